-- What the principal may see, written by hand as plain views: the guard's own rewriting has no part in it.
CREATE VIEW staff AS
SELECT staff_id, nick,
       CASE WHEN pin IS NOT NULL THEN '•••' END AS pin,
       CAST(NULL AS DECIMAL(18,2)) AS wage,
       CASE WHEN iban IS NULL THEN NULL WHEN length(iban) > 4 THEN '•••' || substr(iban, length(iban) - 3) ELSE '•••' END AS iban,
       make_date(CAST(extract(year FROM born) AS INTEGER), 1, 1) AS born,
       CAST(floor(score / 100) * 100 AS DOUBLE PRECISION) AS score,
       site, boss_id, home
FROM aureus_selftest.staff WHERE site = 'OSLO' OR site = 'BERN';
CREATE VIEW shift AS
SELECT * FROM aureus_selftest.shift WHERE zone <> 'X' AND zone <> 'Y';
CREATE VIEW log AS SELECT * FROM aureus_selftest.log;
CREATE VIEW city AS SELECT * FROM aureus_selftest.city;
CREATE VIEW region AS SELECT * FROM aureus_selftest.region;
CREATE VIEW nation AS SELECT * FROM aureus_selftest.nation;
CREATE VIEW supplier AS SELECT * FROM aureus_selftest.supplier WHERE s_nationkey < 25;
CREATE VIEW client AS
SELECT c_custkey,
       CASE WHEN length(c_name) > 3 THEN '•••' || substr(c_name, length(c_name) - 2) ELSE '•••' END AS c_name,
       CASE WHEN c_address IS NOT NULL THEN '•••' END AS c_address, c_nationkey, c_phone, c_acctbal, c_mktsegment,
       CASE WHEN c_comment IS NOT NULL THEN '•••' END AS c_comment
FROM aureus_selftest.client WHERE c_mktsegment <> 'EMBARGO';
CREATE VIEW part AS SELECT * FROM aureus_selftest.part;
CREATE VIEW partsupp AS SELECT * FROM aureus_selftest.partsupp;
CREATE VIEW orders AS SELECT * FROM aureus_selftest.orders WHERE o_orderstatus = 'F' OR o_orderstatus = 'O';
CREATE VIEW lineitem AS SELECT * FROM aureus_selftest.lineitem WHERE l_shipmode <> 'SUBMARINE';
CREATE VIEW customer AS
SELECT c_customer_sk, c_customer_id, c_current_cdemo_sk, c_current_hdemo_sk, c_current_addr_sk, c_first_sales_date_sk,
       c_first_shipto_date_sk, c_salutation, c_first_name,
       CASE WHEN c_last_name IS NOT NULL THEN '•••' END AS c_last_name,
       c_preferred_cust_flag, CAST(NULL AS INTEGER) AS c_birth_day, c_birth_month, c_birth_year, c_birth_country, c_login,
       CASE WHEN length(c_email_address) > 2 THEN '•••' || substr(c_email_address, length(c_email_address) - 1) ELSE '•••' END
         AS c_email_address,
       c_last_review_date_sk
FROM aureus_selftest.customer WHERE c_preferred_cust_flag = 'Y' OR c_preferred_cust_flag = 'N';
CREATE VIEW customer_address AS
SELECT ca_address_sk, CASE WHEN ca_street_number IS NOT NULL THEN '•••' END AS ca_street_number,
       CASE WHEN ca_street_name IS NOT NULL THEN '•••' END AS ca_street_name, ca_city, ca_county, ca_state, ca_zip, ca_country,
       ca_gmt_offset, ca_location_type
FROM aureus_selftest.customer_address;
CREATE VIEW store AS SELECT * FROM aureus_selftest.store WHERE NOT (s_manager IS NULL);
CREATE VIEW store_sales AS SELECT * FROM aureus_selftest.store_sales WHERE NOT (ss_ticket_number < 1);
CREATE VIEW date_dim AS SELECT * FROM aureus_selftest.date_dim;
CREATE VIEW time_dim AS SELECT * FROM aureus_selftest.time_dim;
CREATE VIEW item AS SELECT * FROM aureus_selftest.item;
CREATE VIEW customer_demographics AS SELECT * FROM aureus_selftest.customer_demographics;
CREATE VIEW household_demographics AS SELECT * FROM aureus_selftest.household_demographics;
CREATE VIEW income_band AS SELECT * FROM aureus_selftest.income_band;
CREATE VIEW store_returns AS SELECT * FROM aureus_selftest.store_returns;
CREATE VIEW catalog_sales AS SELECT * FROM aureus_selftest.catalog_sales;
CREATE VIEW catalog_returns AS SELECT * FROM aureus_selftest.catalog_returns;
CREATE VIEW web_sales AS SELECT * FROM aureus_selftest.web_sales;
CREATE VIEW web_returns AS SELECT * FROM aureus_selftest.web_returns;
CREATE VIEW inventory AS SELECT * FROM aureus_selftest.inventory;
CREATE VIEW warehouse AS SELECT * FROM aureus_selftest.warehouse;
CREATE VIEW web_site AS SELECT * FROM aureus_selftest.web_site;
CREATE VIEW web_page AS SELECT * FROM aureus_selftest.web_page;
CREATE VIEW call_center AS SELECT * FROM aureus_selftest.call_center;
CREATE VIEW catalog_page AS SELECT * FROM aureus_selftest.catalog_page;
CREATE VIEW promotion AS SELECT * FROM aureus_selftest.promotion;
CREATE VIEW reason AS SELECT * FROM aureus_selftest.reason;
CREATE VIEW ship_mode AS SELECT * FROM aureus_selftest.ship_mode;
CREATE VIEW visit AS
SELECT * FROM aureus_selftest.visit
WHERE staff_id IN (SELECT s.staff_id FROM aureus_selftest.staff s WHERE s.site = 'OSLO' OR s.site = 'BERN');
CREATE VIEW card AS SELECT card_id, staff_id, brand FROM aureus_selftest.card;
