-- Every number comes from the MD5 of a row's number and a salt: the same size gives the same rows, whatever the thread count.
CREATE MACRO u(salt, i) AS (md5_number_lower(salt || ':' || i::VARCHAR) >> 11)::DOUBLE / 9007199254740992;
CREATE MACRO normal(salt, i) AS sqrt(-2 * ln(greatest(u(salt || 'a', i), 1e-12))) * cos(2 * pi() * u(salt || 'b', i));
CREATE MACRO pick(items, salt, i) AS items[1 + (u(salt, i) * len(items))::BIGINT % len(items)];
CREATE MACRO digits(salt, i, n) AS lpad((md5_number_lower(salt || ':' || i::VARCHAR) % (10 ** n)::UBIGINT)::VARCHAR, n, '0');
CREATE MACRO day(start, days) AS (start::DATE + days::INTEGER)::DATE;
-- The sum of a number's digits, each times its weight.
CREATE MACRO weighed(text, weights) AS
  list_sum(list_transform(list_zip(string_split(text, ''), weights), lambda p: p[1]::INTEGER * p[2]::INTEGER))::INTEGER;
-- ISO 13616: the check digits make (account digits, country letters as numbers, check digits) leave 1 when divided by 97.
CREATE MACRO iban(country, letters, account) AS
  country || lpad((98 - (account || letters || '00')::HUGEINT % 97)::VARCHAR, 2, '0') || account;
-- Czech and Slovak birth number: ten digits that 11 divides, 50 added to a woman's month. `nine` are the first nine of them.
CREATE MACRO rc_check(nine) AS lpad(CASE nine % 11 WHEN 10 THEN (nine + 1) * 10 ELSE nine * 10 + nine % 11 END::VARCHAR, 10, '0');
CREATE MACRO rc(born, female, serial) AS
  rc_check((strftime(born, '%y') || lpad((month(born) + CASE WHEN female THEN 50 ELSE 0 END)::VARCHAR, 2, '0') || strftime(born, '%d')
            || lpad((serial::INTEGER % 999)::VARCHAR, 3, '0'))::BIGINT);
-- Polish PESEL: 20 added to the month from 2000 on, an even digit for women, a check digit.
CREATE MACRO pesel_check(ten) AS ten || ((10 - weighed(ten, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10)::VARCHAR;
CREATE MACRO pesel(born, female, serial) AS
  pesel_check(strftime(born, '%y') || lpad((month(born) + CASE WHEN year(born) >= 2000 THEN 20 ELSE 0 END)::VARCHAR, 2, '0')
              || strftime(born, '%d') || serial || CASE WHEN female THEN '4' ELSE '7' END);
-- Austrian insurance number: three digits, a check digit, the day of birth. A serial whose check would be 10 is not given out.
CREATE MACRO svnr_check(serial, born) AS weighed(serial || born, [3, 7, 9, 5, 8, 4, 2, 1, 6]) % 11;
CREATE MACRO svnr_of(serial, next, born) AS
  CASE svnr_check(serial, born) WHEN 10 THEN next || svnr_check(next, born)::VARCHAR || born
       ELSE serial || svnr_check(serial, born)::VARCHAR || born END;
CREATE MACRO svnr(born, serial) AS
  svnr_of((100 + serial::INTEGER)::VARCHAR, ((100 + serial::INTEGER) // 10)::VARCHAR || ((serial::INTEGER + 1) % 10)::VARCHAR,
          strftime(born, '%d%m%y'));
-- German tax number: one of the first ten digits twice, the others once, a check digit by ISO 7064 MOD 11,10.
CREATE MACRO shuffled(salt, i) AS
  list_aggregate(list_transform(list_sort(list_transform(range(10), lambda d: md5(salt || i::VARCHAR || ':' || d::VARCHAR) || d::VARCHAR)),
                                lambda s: right(s, 1)), 'string_agg', '');
CREATE MACRO mod_11_10(ten) AS
  ten || ((11 - list_reduce(string_split(ten, '')::INTEGER[], lambda p, d: (2 * (1 + (d + p + 9) % 10)) % 11, 10)) % 10)::VARCHAR;
CREATE MACRO idnr_of(ten) AS mod_11_10(CASE WHEN ten[1] = '0' THEN ten[2:] || ten[4] ELSE ten[:9] || ten[3] END);
CREATE MACRO idnr(salt, i) AS idnr_of(shuffled(salt, i));
-- Czech and Slovak company number: seven digits and a check digit.
CREATE MACRO ico(seven) AS seven || ((11 - weighed(seven, [8, 7, 6, 5, 4, 3, 2]) % 11) % 10)::VARCHAR;
