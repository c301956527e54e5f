CREATE TABLE rating AS
WITH begun AS MATERIALIZED (SELECT borrower_id, 4 + 1.5 * normal('start', borrower_id) AS start FROM borrower),
years AS (
  -- One branch a year: threads share them.
  SELECT *, 2022 AS y FROM begun UNION ALL SELECT *, 2023 FROM begun UNION ALL SELECT *, 2024 FROM begun
  UNION ALL SELECT *, 2025 FROM begun UNION ALL SELECT *, 2026 FROM begun
), placed AS (
  SELECT borrower_id, y, least(8, greatest(1, round(start + 0.45 * normal('step' || y::VARCHAR, borrower_id))))::INTEGER AS place
  FROM years
)
SELECT borrower_id,
       day(make_date(y, 1, 15), u('rated' || y::VARCHAR, borrower_id) * 90) AS rated_on,
       ['AAA', 'AA', 'A', 'BBB', 'BB', 'B', 'CCC', 'D'][place] AS grade,
       CASE WHEN y < 2025 THEN 'behavioural 3.1' ELSE 'behavioural 4.0' END AS model,
       round(900 - 90 * place + 25 * normal('score' || y::VARCHAR, borrower_id), 1) AS score
FROM placed
ORDER BY borrower_id, rated_on;
