CREATE TABLE borrower AS
WITH drawn AS (
  SELECT i AS borrower_id, u('country', i) AS c, u('segment', i) AS s,
         u('sex', i) < 0.5 AS female,
         day(DATE '1945-01-01', 7300 + u('born', i) * 15300) AS born
  FROM (FROM range(1, greatest(10, (getvariable('rows') * 0.4)::BIGINT) + 1, 2)
        UNION ALL FROM range(2, greatest(10, (getvariable('rows') * 0.4)::BIGINT) + 1, 2)) AS r(i)
), placed AS (
  SELECT borrower_id, female, born,
         CASE WHEN c < 0.40 THEN 'CZ' WHEN c < 0.60 THEN 'DE' WHEN c < 0.75 THEN 'AT' WHEN c < 0.90 THEN 'SK' ELSE 'PL' END AS country,
         CASE WHEN s < 0.86 THEN 'retail' WHEN s < 0.98 THEN 'sme' ELSE 'corporate' END AS segment
  FROM drawn
), lists AS (
  SELECT * FROM (VALUES
    ('CZ', true, ['Jana', 'Eva', 'Lucie', 'Hana', 'Tereza', 'Marie'],
     ['Nováková', 'Svobodová', 'Dvořáková', 'Procházková', 'Kučerová', 'Veselá', 'Horáková', 'Marková']),
    ('CZ', false, ['Petr', 'Tomáš', 'Martin', 'Pavel', 'Jakub', 'Josef'],
     ['Novák', 'Svoboda', 'Dvořák', 'Procházka', 'Kučera', 'Veselý', 'Horák', 'Marek']),
    ('SK', true, ['Zuzana', 'Katarína', 'Mária', 'Lenka', 'Veronika'],
     ['Horváthová', 'Kováčová', 'Vargová', 'Tóthová', 'Nagyová', 'Baloghová']),
    ('SK', false, ['Marek', 'Peter', 'Ján', 'Michal', 'Lukáš'], ['Horváth', 'Kováč', 'Varga', 'Tóth', 'Nagy', 'Balogh']),
    ('PL', true, ['Agnieszka', 'Anna', 'Katarzyna', 'Ewa', 'Małgorzata'],
     ['Kowalska', 'Wiśniewska', 'Zielińska', 'Nowak', 'Lewandowska', 'Kamińska']),
    ('PL', false, ['Piotr', 'Krzysztof', 'Andrzej', 'Tomasz', 'Paweł'],
     ['Kowalski', 'Wiśniewski', 'Zieliński', 'Nowak', 'Lewandowski', 'Kamiński']),
    ('DE', true, ['Sophie', 'Anna', 'Lena', 'Katharina', 'Julia'], ['Müller', 'Schmidt', 'Wagner', 'Becker', 'Hoffmann', 'Koch', 'Richter']),
    ('DE', false, ['Jonas', 'Lukas', 'Felix', 'Thomas', 'Stefan'], ['Müller', 'Schmidt', 'Wagner', 'Becker', 'Hoffmann', 'Koch', 'Richter']),
    ('AT', true, ['Katharina', 'Anna', 'Elisabeth', 'Verena'], ['Gruber', 'Huber', 'Pichler', 'Bauer', 'Steiner', 'Moser']),
    ('AT', false, ['Florian', 'Markus', 'Lukas', 'Andreas'], ['Gruber', 'Huber', 'Pichler', 'Bauer', 'Steiner', 'Moser'])
  ) AS v(country, female, firsts, lasts)
), base AS (
  SELECT p.*, pick(l.firsts, 'first', borrower_id) AS first_name, pick(l.lasts, 'last', borrower_id) AS last_name
  FROM placed AS p JOIN lists AS l USING (country, female)
)
SELECT borrower_id,
       CASE segment WHEN 'retail' THEN first_name || ' ' || last_name
                    ELSE last_name || ' ' || pick(['Stavby', 'Trade', 'Logistik', 'Foods', 'Energie', 'Textil'], 'firm', borrower_id)
                         || ' ' || borrower_id::VARCHAR END AS full_name,
       CASE segment WHEN 'retail' THEN born END AS birth_date,
       CASE WHEN segment <> 'retail' THEN ico(digits('firm', borrower_id, 7))
            WHEN country IN ('CZ', 'SK') THEN rc(born, female, digits('nid', borrower_id, 3))
            WHEN country = 'PL' THEN pesel(born, female, digits('nid', borrower_id, 3))
            WHEN country = 'AT' THEN svnr(born, u('nid', borrower_id) * 899)
            ELSE idnr('nid', borrower_id) END AS national_id,
       CASE country
         WHEN 'CZ' THEN iban('CZ', '1235', '0800' || '000000' || digits('acc', borrower_id, 10))
         WHEN 'SK' THEN iban('SK', '2820', '1100' || '000000' || digits('acc', borrower_id, 10))
         WHEN 'DE' THEN iban('DE', '1314', '50010517' || digits('acc', borrower_id, 10))
         WHEN 'AT' THEN iban('AT', '1029', '20111' || digits('acc', borrower_id, 11))
         ELSE iban('PL', '2521', '10901014' || '000000' || digits('acc', borrower_id, 10)) END AS iban,
       lower(strip_accents(replace(first_name, 'ł', 'l'))) || '.' || lower(strip_accents(last_name)) || borrower_id::VARCHAR
         || '@example.com' AS email,
       CASE country WHEN 'CZ' THEN '+420' WHEN 'DE' THEN '+49' WHEN 'AT' THEN '+43' WHEN 'SK' THEN '+421' ELSE '+48' END
         || digits('tel', borrower_id, 9) AS phone,
       country,
       segment,
       round(exp(CASE segment WHEN 'retail' THEN 10.2 WHEN 'sme' THEN 13.4 ELSE 16.5 END + 0.45 * normal('income', borrower_id)), 2)
         ::DECIMAL(18,2) AS income,
       u('pep', borrower_id) < 0.004 AS pep_flag
FROM base
ORDER BY borrower_id;
