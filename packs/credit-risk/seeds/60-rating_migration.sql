CREATE TABLE rating_migration AS
WITH yearly AS (SELECT borrower_id, year(rated_on) AS y, grade FROM rating),
moves AS (
  SELECT a.y AS year, a.grade AS from_grade, b.grade AS to_grade, count(*) AS borrowers
  FROM yearly AS a JOIN yearly AS b ON a.borrower_id = b.borrower_id AND b.y = a.y + 1
  GROUP BY ALL
)
SELECT year::INTEGER AS year, from_grade, to_grade, borrowers,
       borrowers / sum(borrowers) OVER (PARTITION BY year, from_grade) AS share
FROM moves
ORDER BY year, from_grade, to_grade;
