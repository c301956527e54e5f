CREATE TABLE collateral AS
SELECT row_number() OVER (ORDER BY loan_id) AS collateral_id,
       loan_id,
       CASE product WHEN 'mortgage' THEN CASE WHEN u('kind', loan_id) < 0.93 THEN 'residential' ELSE 'commercial' END
                    ELSE pick(['commercial', 'vehicle', 'guarantee', 'cash'], 'kind', loan_id) END AS kind,
       round(principal::DOUBLE * (0.7 + 1.1 * u('value', loan_id)), 2)::DECIMAL(18,2) AS market_value,
       round(0.1 + 0.4 * u('haircut', loan_id), 4) AS haircut,
       day(originated_on, u('valued', loan_id) * date_diff('day', originated_on, DATE '2026-09-30')) AS valued_on
FROM loan
WHERE product = 'mortgage' OR (product = 'sme_term' AND u('secured', loan_id) < 0.6)
ORDER BY loan_id;
