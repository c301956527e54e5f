-- What lies around the tables and holds secrets of its own. $SIDE is the database.
CREATE TYPE aureus_selftest.mood AS ENUM ('calm', 'QZLBL$SIDE');
CREATE TABLE aureus_selftest.feel (staff_id BIGINT, mood aureus_selftest.mood DEFAULT 'QZLBL$SIDE', note VARCHAR DEFAULT 'QZDEF$SIDE');
INSERT INTO aureus_selftest.feel VALUES (1, 'calm', 'QZVIP$SIDE'), (2, 'QZLBL$SIDE', 'x');
COMMENT ON TABLE aureus_selftest.vip IS 'QZCMT$SIDE';
COMMENT ON COLUMN aureus_selftest.staff.pin IS 'QZCMT$SIDE';
COMMENT ON TABLE aureus_selftest.staff IS 'QZCMT$SIDE';
CREATE VIEW aureus_selftest.peek_view AS SELECT *, 'QZVIP$SIDE'::text AS tag FROM aureus_selftest.vip;
CREATE FUNCTION aureus_selftest.peek(i bigint) RETURNS text LANGUAGE sql AS 'SELECT max(pin)::text FROM aureus_selftest.staff WHERE staff_id >= i';
CREATE FUNCTION aureus_selftest.peek_all() RETURNS SETOF aureus_selftest.vip LANGUAGE sql AS 'SELECT * FROM aureus_selftest.vip';
CREATE FUNCTION aureus_selftest.loud(t text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RAISE NOTICE ''%'', t; RETURN true; END';
CREATE SEQUENCE aureus_selftest.seq START 1;
