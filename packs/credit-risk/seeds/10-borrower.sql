CREATE TABLE borrower AS
WITH base AS (
  SELECT i AS borrower_id,
         CASE WHEN u('country', i) < 0.40 THEN 'CZ' WHEN u('country', i) < 0.60 THEN 'DE' WHEN u('country', i) < 0.75 THEN 'AT'
              WHEN u('country', i) < 0.90 THEN 'SK' ELSE 'PL' END AS country,
         CASE WHEN u('segment', i) < 0.86 THEN 'retail' WHEN u('segment', i) < 0.98 THEN 'sme' ELSE 'corporate' END AS segment,
         day(DATE '1945-01-01', 7300 + u('born', i) * 15300) AS born,
         pick(['Jana', 'Petr', 'Eva', 'Tomáš', 'Lucie', 'Martin', 'Anna', 'Jakub', 'Marie', 'Lukas', 'Katharina', 'Piotr',
               'Agnieszka', 'Zuzana', 'Marek', 'Sophie', 'Jonas', 'Veronika', 'Pavel', 'Hana'], 'first', i) AS first_name,
         pick(['Novák', 'Svobodová', 'Dvořák', 'Müller', 'Gruber', 'Horváth', 'Kowalski', 'Procházka', 'Wagner', 'Kučera',
               'Bauer', 'Wiśniewska', 'Kováč', 'Huber', 'Veselý', 'Schmidt', 'Marková', 'Zieliński', 'Pichler', 'Tóth'],
              'last', i) AS last_name
  FROM range(1, greatest(10, (getvariable('rows') * 0.4)::BIGINT) + 1) AS r(i)
)
SELECT borrower_id,
       CASE segment WHEN 'retail' THEN first_name || ' ' || last_name
                    ELSE last_name || ' ' || pick(['Stavby', 'Trade', 'Logistik', 'Foods', 'Energie', 'Textil'], 'firm', borrower_id)
                         || ' ' || borrower_id::VARCHAR END AS full_name,
       CASE segment WHEN 'retail' THEN born END AS birth_date,
       CASE segment WHEN 'retail' THEN strftime(born, '%y%m%d') || '/' || digits('nid', borrower_id, 4)
                    ELSE digits('firm', borrower_id, 8) END AS national_id,
       CASE country
         WHEN 'CZ' THEN iban('CZ', '1235', '0800' || '000000' || digits('acc', borrower_id, 10))
         WHEN 'SK' THEN iban('SK', '2820', '1100' || '000000' || digits('acc', borrower_id, 10))
         WHEN 'DE' THEN iban('DE', '1314', '50010517' || digits('acc', borrower_id, 10))
         WHEN 'AT' THEN iban('AT', '1029', '20111' || digits('acc', borrower_id, 11))
         ELSE iban('PL', '2521', '10901014' || '000000' || digits('acc', borrower_id, 10)) END AS iban,
       lower(strip_accents(first_name)) || '.' || lower(strip_accents(last_name)) || borrower_id::VARCHAR || '@example.com' AS email,
       CASE country WHEN 'CZ' THEN '+420' WHEN 'DE' THEN '+49' WHEN 'AT' THEN '+43' WHEN 'SK' THEN '+421' ELSE '+48' END
         || digits('tel', borrower_id, 9) AS phone,
       country,
       segment,
       round(exp(CASE segment WHEN 'retail' THEN 10.2 WHEN 'sme' THEN 13.4 ELSE 16.5 END + 0.45 * normal('income', borrower_id)), 2)
         ::DECIMAL(18,2) AS income,
       u('pep', borrower_id) < 0.004 AS pep_flag
FROM base
ORDER BY borrower_id;
