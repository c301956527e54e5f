-- Every number comes from the MD5 of a row's number and a salt, so that any size, thread count and version gives the same rows.
CREATE MACRO u(salt, i) AS (md5_number_lower(salt || ':' || i::VARCHAR) >> 11)::DOUBLE / 9007199254740992;
CREATE MACRO normal(salt, i) AS sqrt(-2 * ln(greatest(u(salt || 'a', i), 1e-12))) * cos(2 * pi() * u(salt || 'b', i));
CREATE MACRO pick(items, salt, i) AS items[1 + (u(salt, i) * len(items))::BIGINT % len(items)];
CREATE MACRO digits(salt, i, n) AS lpad((md5_number_lower(salt || ':' || i::VARCHAR) % (10 ** n)::UBIGINT)::VARCHAR, n, '0');
-- ISO 13616: the check digits make (account digits, country letters as numbers, check digits) leave 1 when divided by 97.
CREATE MACRO iban(country, letters, account) AS
  country || lpad((98 - (account || letters || '00')::HUGEINT % 97)::VARCHAR, 2, '0') || account;
CREATE MACRO day(start, days) AS (start::DATE + days::INTEGER)::DATE;
