CREATE TABLE rating AS
WITH years AS (SELECT y FROM range(2022, 2027) AS r(y)),
grades AS (SELECT ['AAA', 'AA', 'A', 'BBB', 'BB', 'B', 'CCC', 'D'] AS scale),
walk AS (
  SELECT b.borrower_id, y, scale,
         least(8, greatest(1, 4 + round(1.5 * normal('start', borrower_id) + 0.45 * normal('step' || y::VARCHAR, borrower_id))))::INTEGER
           AS place
  FROM borrower AS b CROSS JOIN years CROSS JOIN grades
)
SELECT borrower_id,
       day(make_date(y, 1, 15), u('rated' || y::VARCHAR, borrower_id) * 90) AS rated_on,
       scale[place] AS grade,
       CASE WHEN y < 2025 THEN 'behavioural 3.1' ELSE 'behavioural 4.0' END AS model,
       round(900 - 90 * place + 25 * normal('score' || y::VARCHAR, borrower_id), 1) AS score
FROM walk
ORDER BY borrower_id, rated_on;
