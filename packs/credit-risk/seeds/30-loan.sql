CREATE TABLE loan AS
WITH base AS (
  SELECT i AS loan_id,
         -- A power of a uniform number: a few borrowers have many loans, most have one or two.
         1 + floor(power(u('who', i), 1.4) * (SELECT count(*) FROM borrower))::BIGINT AS borrower_id,
         day(DATE '2016-01-04', u('when', i) * 3750) AS originated_on
  -- Odd and even numbers apart: one range alone is read by one thread.
  FROM (FROM range(1, getvariable('rows') + 1, 2) UNION ALL FROM range(2, getvariable('rows') + 1, 2)) AS r(i)
), typed AS (
  SELECT base.*, b.country, b.segment, b.income,
         CASE b.segment
           WHEN 'retail' THEN CASE WHEN u('product', loan_id) < 0.34 THEN 'mortgage' WHEN u('product', loan_id) < 0.66 THEN 'consumer'
                                   WHEN u('product', loan_id) < 0.88 THEN 'card' ELSE 'overdraft' END
           ELSE CASE WHEN u('product', loan_id) < 0.75 THEN 'sme_term' ELSE 'overdraft' END END AS product,
         CASE b.country WHEN 'CZ' THEN 'CZK' WHEN 'PL' THEN 'PLN' ELSE 'EUR' END AS currency,
         r.grade AS rating_grade
  FROM base JOIN borrower AS b USING (borrower_id)
       -- The grade of a loan is its borrower's latest: a person does not default on one loan alone.
       JOIN (SELECT borrower_id, arg_max(grade, rated_on) AS grade FROM rating GROUP BY borrower_id) AS r USING (borrower_id)
), graded AS (
  SELECT *,
         CASE product WHEN 'mortgage' THEN 9000 WHEN 'consumer' THEN 2200 WHEN 'card' THEN 1100 WHEN 'overdraft' THEN 365 ELSE 2600 END
           AS term_days,
         round(exp(CASE product WHEN 'mortgage' THEN 11.7 WHEN 'consumer' THEN 8.9 WHEN 'card' THEN 7.3 WHEN 'overdraft' THEN 7.6
                                ELSE 12.2 END + 0.6 * normal('amount', loan_id))
               * CASE currency WHEN 'CZK' THEN 25 WHEN 'PLN' THEN 4.3 ELSE 1 END, 2)::DECIMAL(18,2) AS principal
  FROM typed
), aged AS (
  SELECT *,
         day(originated_on, term_days) AS matures_on,
         least(1.0, greatest(0.02, 1 - date_diff('day', originated_on, DATE '2026-09-30') / term_days::DOUBLE)) AS left_share,
         CASE rating_grade WHEN 'D' THEN 90 + floor(u('dpd', loan_id) * 500)::INTEGER
                           WHEN 'CCC' THEN floor(u('dpd', loan_id) * 90)::INTEGER
                           ELSE CASE WHEN u('late', loan_id) < 0.04 THEN 1 + floor(u('dpd', loan_id) * 40)::INTEGER ELSE 0 END END
           AS days_past_due
  FROM graded
)
SELECT loan_id, borrower_id, country, product, currency, originated_on, matures_on, principal,
       round(principal::DOUBLE * left_share, 2)::DECIMAL(18,2) AS outstanding,
       (CASE product WHEN 'mortgage' THEN 0.031 WHEN 'consumer' THEN 0.079 WHEN 'card' THEN 0.189 WHEN 'overdraft' THEN 0.149 ELSE 0.054
        END + 0.02 * u('rate', loan_id))::DECIMAL(7,4) AS interest_rate,
       CASE rating_grade WHEN 'D' THEN 1.0
            ELSE least(0.6, CASE rating_grade WHEN 'AAA' THEN 0.0003 WHEN 'AA' THEN 0.0008 WHEN 'A' THEN 0.002 WHEN 'BBB' THEN 0.006
                                              WHEN 'BB' THEN 0.021 WHEN 'B' THEN 0.068 ELSE 0.22 END
                            * exp(0.25 * normal('pd', loan_id))) END AS pd,
       least(0.95, greatest(0.05, CASE product WHEN 'mortgage' THEN 0.18 WHEN 'sme_term' THEN 0.38 ELSE 0.62 END
                                  + 0.08 * normal('lgd', loan_id))) AS lgd,
       round(principal::DOUBLE * left_share * CASE WHEN product IN ('card', 'overdraft') THEN 1.25 ELSE 1.0 END, 2)
         ::DECIMAL(18,2) AS ead,
       CASE WHEN days_past_due >= 90 THEN 3 WHEN days_past_due > 30 OR rating_grade = 'CCC' THEN 2 ELSE 1 END AS stage,
       days_past_due,
       rating_grade,
       'officer' || lpad((1 + floor(u('officer', loan_id) * 40))::INTEGER::VARCHAR, 2, '0') || '@bank.example' AS officer_email
FROM aged
ORDER BY loan_id;
