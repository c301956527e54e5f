CREATE TABLE exposure_limit AS
SELECT row_number() OVER (ORDER BY borrower_id) AS limit_id,
       borrower_id,
       round(income::DOUBLE * (0.8 + u('limit', borrower_id)), -3)::DECIMAL(18,2) AS limit_amount,
       round(income::DOUBLE * (0.8 + u('limit', borrower_id)) * u('used', borrower_id), 2)::DECIMAL(18,2) AS utilised,
       day(DATE '2024-01-02', u('approved', borrower_id) * 900) AS approved_on,
       day(DATE '2026-10-01', u('review', borrower_id) * 365) AS review_on,
       u('watch', borrower_id) < 0.05 AS watchlist
FROM borrower
WHERE segment <> 'retail'
ORDER BY borrower_id;
