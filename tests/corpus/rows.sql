select sum(pd) from loan group by loan_id
select sum(loan_id) as id, avg(pd) as pd, min(country) as c from loan group by borrower_id
select country, count(*) from loan group by country, loan_id
select country, count(*) from loan group by grouping sets ((loan_id), ())
select country, count(*) from loan group by cube (country, loan_id)
select country, loan_id as n, count(*) from loan group by 1, 2
select sum(pd), loan_id as k from loan group by k
select *, count(*) over () from loan
select loan_id, count(*) from loan group by all
select pd from loan group by all
select pd from loan group by pd
select distinct pd from loan
select unnest(max(pd, 100000)) from loan
select max(pd, 100000) from loan
select min({'a': pd, 'b': ead}) from loan
select min([pd, ead]) from loan
select min(row(pd, ead)) from loan
select quantile_disc(pd, [0.1, 0.2, 0.3]) from loan
select approx_quantile(pd, [0.1, 0.2]) from loan
select q.* from borrower b, lateral (select sum(x) as s from (select b.borrower_id as x) t) q
select q.* from borrower b, lateral (select sum(l.pd) as s from loan l where l.borrower_id = b.borrower_id) q
select q.* from borrower b, (select sum(l.pd) as s from loan l join loan m on m.loan_id = b.borrower_id) q
select q.* from borrower b, (select sum(l.pd) s from loan l where exists (select 1 from loan m where m.loan_id = b.borrower_id)) q
with s as (select count(*) as borrower_id from borrower) select borrower_id from s right join borrower using (borrower_id)
with s as (select count(*) as borrower_id from borrower) select borrower_id from s full join borrower using (borrower_id)
select q.z from (select count(*) as "(pd + 0)" from loan) s, lateral (select "(pd + 0)" as z from (select pd + 0 from loan) t) q
select q.z from borrower b, lateral (select sum(pd) as z from loan where list_contains(list_apply([1], lambda y: y + b.borrower_id), 1)) q
select count(*) from loan where nosuch = 1
select q.z from (select count(*) as c_1 from loan) s, lateral (select c_1 as z from (select country as c, pd as c from loan) t) q
select main.loan.loan_id, main.loan.pd from loan, (select 1 as loan) main
select t.s.borrower_id from (select {'borrower_id': 1} as s) t, borrower s
select main.loan.loan_id as k, sum(pd) from loan, (select 1 as loan) main group by k
select min(main.loan.loan_id) from loan, (select 1 as loan) main
select v.i from (select unnest(range(1000000)) as i) v join borrower b on b.borrower_id = v.i
select i from (select unnest(range(1000000)) as i) v where i in (select borrower_id from borrower)
select i from (select unnest(range(9)) as i) v where exists (select 1 from borrower b where b.borrower_id = v.i)
select i from (select unnest(range(9)) as i) v where (select count(*) from borrower b where b.borrower_id = v.i) > 0
select i from (select unnest(range(9)) as i) v order by (select sum(pd) from loan l where l.loan_id = v.i)
select i from (select unnest(range(9)) as i) v limit (select max(loan_id) from loan)
select i from (select unnest(range(9)) as i) v intersect select borrower_id from borrower
select $x as x from borrower where borrower_id = $x
select 1 as one from borrower
select 1 as one from borrower group by all
select distinct 1 as one from borrower group by all
select s.n from (select count(*) n from loan) s join borrower b on b.full_name like 'A%'
select 1 as x from (select 1 as a, 'x' as full_name) t join borrower using (full_name)
select v.i, sum(l.pd) from (select unnest(range(1000000)) as i) v join loan l on l.loan_id = v.i group by v.i
select v.i, sum(l.pd) from (values (1), (2)) v(i) join loan l on l.loan_id = v.i group by v.i
select v.i, sum(l.pd) from (values (1), (2)) v(i), loan l where l.loan_id = v.i group by v.i
select v.i, sum(l.pd) from (values (1), (2)) v(i), loan l where l.loan_id in (v.i) group by v.i
select v.i, sum(case when l.loan_id = v.i then l.pd end) from (values (1), (2)) v(i), loan l group by v.i
select v.i, sum(l.pd) filter (where l.loan_id = v.i) from (values (1), (2)) v(i), loan l group by v.i
select v.i, sum(l.pd * (1 - sign(abs(l.loan_id - v.i)))) from (values (1), (2)) v(i), loan l group by v.i
select v.i, sum(l.pd) from (select 1 as i union all select 2) v join loan l on l.loan_id = v.i group by v.i
select v.i, sum(l.pd) from (select 1 as i union all select 2) v asof join loan l on v.i >= l.loan_id group by v.i
select v.i, sum(l.pd) from (select unnest(range(9)) as i) v positional join loan l group by v.i
select i, sum(pd) from (select v.i, l.pd from (values (1)) v(i) join loan l on l.loan_id = v.i) group by i
select i, count(*) filter (where d = 0) from (select v.i, l.loan_id - v.i as d from (values (1)) v(i), loan l) group by i
select l.pd, sum(m.ead) from loan m join (select distinct pd from loan) l on l.pd = m.loan_id group by 1
select d, sum(m.ead) from loan m join (select distinct originated_on d from loan) on d = date '2018-01-01' + m.loan_id::int group by 1
select x.n, sum(m.ead) from loan m join (select country, count(*) n from loan group by 1) x on x.n = m.loan_id group by 1
with recursive r as (select 0 i, 0 s union all select sum(i) + 1, sum(pd) from r left join loan on loan_id = i + 1) select i, s from r
select sum(pd) from loan where loan_id = 5
select sum(pd) from loan where loan_id % 2 = 0
select count(*) from borrower where full_name = 'x'
select sum(pd) from loan using sample 1 rows
select sum(pd) from loan tablesample 1%
select sum(pd) from (select * from loan limit 1 offset 7)
select sum(pd) from (select distinct on (country) * from loan)
select sum(pd) from (select pd, row_number() over () as n from loan) where n = 5
select sum(pd) from (select pd from loan qualify row_number() over () = 5)
select loan_id, sum(ead) as s from loan group by loan_id qualify row_number() over (order by sum(ead) desc) = 1
select country, sum(ead) as s from loan group by country qualify max(min(loan_id)) over () = 5
select sum(pd) from (select pd, loan_id from loan union all select pd, loan_id from loan limit 1)
select sum(pd) from loan where loan_id in (select count(*) from borrower)
select sum(pd) from loan where loan_id not in (select borrower_id from borrower where borrower_id = 5)
select sum(pd) from loan where loan_id = (select 5)
select count(*) from loan l where l.loan_id in (select l.country)
select count(*) from loan l join (select country from loan limit 5) s on s.country = l.loan_id
select count(*) from loan l join (select country, row_number() over () n from loan where loan_id = 5) s on s.country = l.loan_id
select sum(loan_id) from loan
select count(*) from loan group by (select 1)
select n from (values ((select max(pd) from loan))) v(n)
select count(*) from loan where (loan_id, pd) in (select borrower_id, 1 from borrower)
select n from (with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select n from r), loan
select y, count(*) from (select b.* from loan l join borrower b using (borrower_id)) t(x, y) group by y
select y, count(*) from (select * from loan a semi join loan b using (loan_id), borrower c) t(a, b, c, d, e, f, g, y) group by y
select x, count(*) from loan a semi join (select country as x, loan_id from loan) s using (loan_id), (select full_name as x from borrower) c group by x
select country_1, count(*) from (select country, full_name as country, country as country_1 from borrower) t group by 1
select "concat(full_name, '')", count(*) from (select concat(full_name, ''), country as "concat(full_name, '')" from borrower) t group by 1
select y, count(*) from (select country as x, full_name as x, x as y from borrower) t group by y
select y, count(*) from (select unnest({'a': country, 'b': full_name}), country from borrower) t(x, y) group by y
select y, count(*) from (select unnest(l), 1 from borrower l) t(x, y) group by y
select y, count(*) from (select s.*, c from (select {'n': full_name} as s, country as c from borrower) q) t(y) group by y
select y, count(*) from (select * exclude (c) from (select country as c, full_name as c, country as d from borrower) q) t(y) group by y
select x_1, count(*) from (select country, full_name, country as x_1 from borrower) t(x, x) group by x_1
select i, sum(pd) from (select v.i, l.pd, nullif(l.loan_id, v.i) as x from loan l, (select unnest(range(1, 100)) as i) v) where x is null group by i
select i, count(x) from (select v.i, case when l.loan_id = v.i then 1 end as x from loan l, (select unnest(range(9)) as i) v) group by i
select b + 2 * d as id, sum(pd) from (select (c is null)::int b, (e is null)::int d, pd from (select nullif(loan_id & 1, 1) c, nullif(loan_id & 2, 2) e, pd from loan)) group by 1
select v.i, sum(l.pd) from loan l, (values (1), (2)) v(i) where #1 = v.i group by v.i
select sum(pd) from loan group by #1
select v.i, sum(l.pd) from loan l, (values (1), (2)) v(i) where columns('loan_id') = v.i group by v.i
select v.i, sum(l.pd) from loan l, (values (1), (2)) v(i) where greatest(*columns('loan_id')) = v.i group by v.i
select i, sum(pd) from (select l.loan_id as k, v.i, l.pd from loan l, (values (1)) v(i) intersect select v.i, v.i, l.pd from loan l, (values (1)) v(i)) group by i
select v.i, sum(l.pd) from loan l, (values (1)) v(i) where exists (select l.loan_id intersect select v.i) group by v.i
select v.i, sum(l.pd) from loan l, (values (1)) v(i) where not exists (select l.loan_id except select v.i) group by v.i
select i, pd, ead from (select v.i as i, l.pd as pd, l.ead as ead, min(l.loan_id) as country from loan l, (values (1)) v(i) group by v.i, l.pd, l.ead having country = v.i) t
select i, pd from (select v.i as i, count(*) as n, min(l.loan_id) as ead, l.pd from loan l, (values (1)) v(i) group by v.i, l.pd, l.ead order by abs(ead - v.i) limit 2) t
select v.i, sum(c.pd) from (values ('a'), ('z')) v(i) asof join loan c on v.i >= c.country group by v.i
select a, count(*) from (select (select sum(ead) from loan m where m.loan_id = c.loan_id) as a, country from loan c) group by a
select max(a), min(a) from (select (select avg(m.ead) from loan m where m.loan_id = c.loan_id) as a from loan c)
select i, avg(ead) from (select unnest(range(20, 60)) as i, pd, ead from loan) where i = pd group by i
with recursive d as (select loan_id from loan), r as (select 0 i, 0 k, 0 n union all select r.k, coalesce(d.loan_id, r.k), n + 1 from r left join d on n < 1 where n < 2) select i, count(*) from r where n = 2 group by i
select id, sum(pd) from (select (with recursive r as (select 0 i, 0 k, 0 n union all select r.k, l.loan_id, n + 1 from r where n < 2) select max(i) from r) as id, pd from loan l) group by id
select v.i, sum(l.pd) from loan l, (values (1)) v(i) where list_contains(list_transform([v.i], lambda l: l.loan_id), v.i) group by v.i
select v.i, count(*) from borrower l, (values ('a')) v(i) where (to_json(full_name) -> '$') = to_json(v.i) group by v.i
select v.i, sum(l.pd) from loan l, (values (1)) v(i) where (with t as (select l.loan_id as x union select v.i) select count(*) from t) = 1 group by v.i
select v.i, sum(l.pd) from loan l, (values (1)) v(i) where (with t as (select distinct unnest([l.loan_id, v.i]) as x) select count(*) from t) = 1 group by v.i
select v.i, sum(l.pd) from loan l, (values (1)) v(i) where (with t as (select unnest([l.loan_id, v.i]) as x) select count(distinct x) from t) = 1 group by v.i
select i, count(*) from (select distinct i, x from (select v.i, unnest([l.loan_id, v.i]) as x from loan l, (select unnest(range(1, 9)) as i) v)) group by i
select i, count(*) from (select i, x from (select v.i, coalesce(l.loan_id, v.i) as x from loan l, (values (1)) v(i)) group by i, x) group by i
select v.i, sum(l.pd) from loan l, (values (1)) v(i) where row(l.*) = row(v.i) group by v.i
select list(i) from (select unnest(range(9)) i) v tablesample 100% group by (select pd > 0.1 from loan where loan_id = v.i)
select sum(i) from (select unnest(range(9)) i) v group by (select pd from loan where loan_id = v.i)
select loan_id, sum(pd) / sum(sum(pd)) over () from loan group by loan_id
select country, sum(pd) over () from loan
select country, count(*) over (partition by country) from loan
select country, lag(min(loan_id)) over (order by country) from loan group by country
select country, first_value(country) over (order by min(loan_id)) from loan group by country
select country, sum(sum(loan_id)) over () from loan group by country
select v.i, sum(l.pd) / sum(sum(l.pd)) over () from loan l, (values (1), (2)) v(i) where l.loan_id = v.i group by v.i
select v.i, (select sum(pd) from loan l where l.loan_id = v.i) from (values (1), (2)) v(i)
select v.i, sum(m.pd), (select sum(pd) from loan l where l.loan_id = v.i) from (values (1), (2)) v(i), loan m group by v.i
select v.i, q.z from (values (1), (2)) v(i), lateral (with t as (select sum(pd) as s from loan l where l.loan_id = v.i) select (select s from t) as z) q
select v.i, (with t as (select sum(pd) as s from loan l where l.loan_id = v.i) select s from t) from (values (1), (2)) v(i)
select v.i, (with t as (select v.i as k) select sum(pd) from loan l, t where l.loan_id = t.k) from (values (1), (2)) v(i)
select country, count(*), (select max(loan_id) from loan) from loan group by country
select country, count(*), (select pd from loan limit 1) from loan group by country
select country, count(distinct case when loan_id = 5 then borrower_id end) from loan group by country
select country, count(distinct case when pd > 0.1 then borrower_id else loan_id end) from loan group by country
select country, count(distinct case when pd > 0.1 then borrower_id + 1 end) from loan group by country
select v.i, count(case when l.loan_id = v.i then l.loan_id end) from loan l, (values (1), (2)) v(i) group by v.i
select max(case when pd > 0.1 then [pd, ead] end) from loan
select max(case when pd > 0.1 then {'a': pd, 'b': ead} end) from loan
select max(case when loan_id = 5 then pd end) from loan
select max(pd::double[]) from loan
select (select count(*) from loan) as n from loan
select count(*) as n from loan group by all having borrower_id = loan_id
select sum(pd) as n from loan group by all having loan_id is not null
select count(*) as n from borrower group by all having exists (select 1 from loan l where l.borrower_id = borrower.borrower_id)
select loan_id + 0 as country, count(*) from loan group by all having country = 1
select l.country as country, sum(l.pd) from loan l join (select borrower_id, borrower_id as country from borrower) s on s.borrower_id = l.borrower_id group by all having s.country is not null
select l.country as country, max(l.ead), sum(l.pd) from loan l join (select loan_id as country from loan) s on s.country = l.loan_id group by all having s.country is not null
select c from (select country as c, max(full_name) as k from borrower group by country union all select x, x from (values ('a'), ('b')) v(x)) t order by k
select distinct on (k) c from (select country as c, max(full_name) as k from borrower group by country union all select x, x from (values ('a'), ('b')) v(x)) t
select country from (select country, min(loan_id) as k from loan group by country) t order by k limit 1
select c from (select country as c, max(full_name) as k from borrower group by country order by 2 limit 1) t
select c from (select country as c, max(full_name) as k from borrower group by country order by all limit 1) t
select c from (select country as c, max(full_name) as k from borrower group by country union all select 'x', 'b' order by 2 limit 1) t
select c from (select country as c, max(full_name) as k from borrower group by country order by k limit 1) t
select v.i, (select sum(t.pd) from (select country, loan_id, pd, loan_id as v from loan) t where t.loan_id = v.i) from (select unnest(range(60)) i) v
select v.i, q.a from (values ('a'), ('b')) v(i), lateral (select count(*) as a from (select full_name, full_name as v from borrower) t where t.full_name = v.i) q
select l.loan_id, (select count(*) from loan l having loan_id in (select m.loan_id from loan m where m.pd > 0.5)) from (select unnest(range(60)) loan_id) l
select l.loan_id from (select unnest(range(60)) loan_id) l where (select count(*) from loan l having exists (select 1 from loan m where m.loan_id = l.loan_id and m.pd > 0.5)) > 0
select l.ead, (select count(*) from loan l having max(pd) = ead) from (select unnest(range(85, 91)) as ead) l
select l.loan_id, (select count(*) + (select count(*) from borrower b where b.borrower_id = l.loan_id) from loan l) from (select unnest(range(60)) loan_id) l
select v.g, count(*) from (select unnest(range(60)) as g) v, loan x where exists (select 1 from (select unnest(range(60)) as loan_id) x join (loan c join loan d on c.loan_id = x.loan_id and c.pd > 0.5) on true where x.loan_id = v.g) group by 1
select v.g, count(*) from (select unnest(range(60)) as g) v, loan x where exists (select 1 from (select unnest(range(60)) as loan_id) x, loan c join loan d on c.loan_id = x.loan_id and c.pd > 0.5 where x.loan_id = v.g) group by 1
select v.i, l.country, count(*) from loan l, (select unnest(range(60)) as i) v where exists (select count(*) from loan m where m.loan_id = l.loan_id having sum(m.pd) = v.i) group by all
select v.i, l.country, count(*) from loan l, (select unnest(range(60)) as i) v where not exists (select count(*) from loan m where m.loan_id = l.loan_id having sum(m.pd) <> v.i) group by all
select v.i, l.country, count(*) from loan l, (select unnest(range(60)) as i) v where exists (with t as (select sum(m.pd) as x from loan m where m.loan_id = l.loan_id) select 1 from t where t.x = v.i) group by all
select v.i, count(*) from loan l, (select unnest(range(60)) as i) v where exists (select sum(m.pd) as x from loan m where m.loan_id = l.loan_id qualify row_number() over () = 1 and x = v.i) group by all
select g, c, count(*) from (select v.i as g, l.country as c, b.income as x from loan l, borrower b, (select unnest(range(50, 61)) as i) v union select w.i, m.country, w.i from (select unnest(range(50, 61)) as i) w, loan m) t group by all
select x.i, b.country, count(*) from (select borrower_id, 57 as i from borrower union all select borrower_id, 27 from borrower) x join borrower b on b.borrower_id = x.borrower_id where b.income = x.i group by all
select x.i, b.country, count(*) from (select 57 as i from loan union all select 27 from loan) x, borrower b where b.income = x.i group by all
select x.i, b.country, count(*) from (select 57 as i union all select 27) x, borrower b where b.income = x.i group by all
select v.i, l.country, count(*) from loan l, (select unnest(range(60)) as i) v where exists (with t as (select m.pd from loan m where m.loan_id = l.loan_id) select count(*) from t having sum(pd) = v.i) group by all
select v.i, l.country, count(*) from loan l, (select unnest(range(60)) as i) v where exists (with t as (select m.pd from loan m where m.loan_id = l.loan_id), u as (select sum(pd) as s from t) select 1 from u where u.s = v.i) group by all
select w.v.i, (select sum(w.pd) from (select loan_id, pd, loan_id as v from loan) w where w.loan_id = w.v.i) from (select {'i': j} as v from (select unnest(range(60)) as j) u) w
select loan.loan_id.i, (select sum(loan.pd) from loan where loan.borrower_id = loan.loan_id.i) from (select {'i': j} as loan_id from (select unnest(range(60)) as j) u) loan
select w.v.i, (select count(*) from (select country as v, full_name from borrower) t where t.full_name = v.i) from (select {'i': j} as v from (select unnest(['a', 'b']) as j) u) w
select x.i, count(*) from (select unnest(range(60)) as i) x, (select 1 as k) v where exists (select m.loan_id as k from loan m where k = x.i and m.pd > 0.5) group by all
select x.i, count(*) from (select unnest(range(60)) as i) x, (select 1 as borrower_id) b where exists (select 1 from loan l join borrower b using (borrower_id) where b.borrower_id = x.i and l.pd > 0.5) group by all
select x.i, count(*) from (select unnest(range(60)) as i) x, (select 1 as k) unnamed_subquery where exists (select 1 from (select loan_id as k, pd from loan) where unnamed_subquery.k = x.i and pd > 0.5) group by all
select z.b.loan_id, (select sum(b.pd) from loan b where b.borrower_id = z.b.loan_id) from (select {'loan_id': j} as b from (select unnest(range(60)) as j) u) z
select l.loan_id from (select unnest(range(60)) loan_id) l where exists (select 1 from loan l having loan_id in (select m.loan_id from loan m where m.pd > 0.5))
select l.loan_id from (select unnest(range(60)) loan_id) l where exists (select 1 from loan l having exists (select 1 from loan m where m.loan_id = l.loan_id and m.pd > 0.5))
select x.i, count(*) from (select unnest(range(60)) as i) x, (select loan_id as k, pd from loan) o where o.pd > 0.5 and exists (select m.ead as k, max((select k)) as z from loan m group by 1 having z = x.i) group by all
select x.i, count(*) from (select unnest(range(60)) as i) x where exists (select l.loan_id as t, l.pd from loan l join (select country as c, count(*) as n from borrower group by 1) t on t.c = l.country group by all having t = x.i and l.pd > 0.5) group by all
select x.i, count(*) from (select unnest(range(60)) as i) x, (select loan_id as f, pd from loan) k where k.pd > 0.5 and exists (select m.ead as k from loan m where k.f = x.i) group by all
select x.i, count(*) from (select unnest(range(60)) as i) x, (select loan_id as f, pd from loan) k where k.pd > 0.5 and exists (select count(*) as k from loan m having k.f = x.i) group by all
select i, c, count(*) from (select loan_id, pd, max(country) c, grouping(country, ead, ead + 1) as i from loan group by loan_id, pd, cube (country, ead, ead + 1)) where pd = i group by all order by 1
select i, count(*) from (select income, (e is null)::int + 2 * (f is null)::int as i from (select borrower_id, income, country as e, upper(country) as f from borrower group by borrower_id, income, cube (country, upper(country)))) where income = i group by all
select r, country, count(*) from (select 1 * (b0.borrower_id is not null)::int as r, l.country from borrower l left join borrower b0 on b0.borrower_id = l.borrower_id and b0.income > 50) t group by all
select max(r), min(r) from (select 1 * (b0.borrower_id is not null)::int as r, l.country from borrower l left join borrower b0 on b0.borrower_id = l.borrower_id and b0.income > 50) t
select r, country, count(*) from (select b0.bit as r, l.country from borrower l left join (select borrower_id, 1 as bit from borrower where income > 50) b0 on b0.borrower_id = l.borrower_id) t group by all
select r, country, count(*) from (select b0.bit as r, l.country from (select borrower_id, 1 as bit from borrower where income > 50) b0 right join borrower l on b0.borrower_id = l.borrower_id) t group by all
select r, country, count(*) from (select b0.bit as r, l.country from (select borrower_id, 1 as bit from borrower where income > 50) b0 full join borrower l on b0.borrower_id = l.borrower_id) t group by all
with b0 as (select borrower_id, 1 as bit from borrower group by borrower_id having sum(income) > 50) select r, country, count(*) from (select b0.bit as r, l.country from loan l left join b0 using (borrower_id)) t group by all
with b0 as (select loan_id, 1 as bit from loan l where exists (select 1 from borrower b where b.borrower_id = l.borrower_id and b.income > 40)) select r, country, count(*) from (select b0.bit as r, l.country from loan l left join b0 using (loan_id)) t group by all
with b0 as (select borrower_id, 1 as bit from borrower where income > 50 union all select borrower_id, 0 from borrower where income <= 50) select bit, country, count(*) from b0 join borrower using (borrower_id) group by all
select x.i, b.country, count(*) from (select regexp_split_to_table('57,27', ',')::int as i) x, borrower b where b.income = x.i group by all
select x.i, b.country, count(*) from (select unnest([57, 27]) as i) x, borrower b where b.income = x.i group by all
select n, count(*) from (select borrower_id, count(*) as n from (select borrower_id from borrower union all select borrower_id from borrower where income > 50) t group by borrower_id) s group by n
select n, country, count(*) from (select l.borrower_id, l.country, count(*) as n from borrower l left join (select borrower_id, income from borrower, (select unnest(range(2)) as i) v) x on x.borrower_id = l.borrower_id and x.income > 50 group by all) t group by all
select v.i, l.country, count(*) from borrower l, (select unnest(range(128)) as i) v where not exists (select 1 from borrower x where x.borrower_id = l.borrower_id and x.income > 50 and v.i = 0) and not exists (select 1 from borrower x where x.borrower_id = l.borrower_id and x.income <= 50 and v.i = 1) group by all
select v.i, l.country, count(*) from borrower l, (select unnest(range(2)) as i) v where exists (select 1 from borrower x where x.borrower_id = l.borrower_id and x.income > 50 and v.i = 1 union all select 1 from borrower x where x.borrower_id = l.borrower_id and x.income <= 50 and v.i = 0) group by all
select v.i, l.country, count(*) from borrower l, (select unnest(range(2)) as i) v where l.borrower_id not in (select x.borrower_id from borrower x where x.income > 50 and v.i = 0) and l.borrower_id not in (select x.borrower_id from borrower x where x.income <= 50 and v.i = 1) group by all
select v.i, l.country, count(*) from borrower l cross join (select unnest(range(2)) as i) v anti join borrower x on x.borrower_id = l.borrower_id and x.income > 50 and v.i = 0 anti join borrower y on y.borrower_id = l.borrower_id and y.income <= 50 and v.i = 1 group by all
select t.g, l.country, count(*) from (select l.borrower_id, m.country as g from borrower l, (select distinct country from borrower) m where l.income > 50 and m.country = 'a' union all select l.borrower_id, m.country from borrower l, (select distinct country from borrower) m where l.income <= 50 and m.country = 'b') t join borrower l using (borrower_id) group by all
select x.country, l.country, count(*) from (select l.borrower_id, m.borrower_id as o from borrower l, borrower m where l.income > 50 and m.country = 'a' union all select l.borrower_id, m.borrower_id from borrower l, borrower m where l.income <= 50 and m.country = 'b') t join borrower x on x.borrower_id = t.o join borrower l on l.borrower_id = t.borrower_id group by all
select k, country, count(*) from (select l.borrower_id, l.income, l.country, count(*) as k from borrower l, (select unnest(range(91)) i) v, (select unnest(range(91)) i) w where w.i < v.i group by l.borrower_id, l.income, l.country, v.i) t where income = k group by all
select i, country, count(*) from (select l.borrower_id, l.country, v.i from borrower l, (select unnest(range(91)) i) v, (select unnest(range(91)) i) w where w.i < v.i group by l.borrower_id, l.country, l.income, v.i having count(*) = l.income) t group by all
select i, count(*) from (select loan_id as current_date, current_date as i from loan) t group by all
select y, sum(a) from (select full_name as localtime, localtime as y, income as a from borrower) t group by y
select v.i from (select unnest(range(60)) as i) v where exists (select m.loan_id as current_date from loan m where current_date = v.i and m.pd > 0.5)
select s, c from (select max(country) as c, max(ead) as g, count(*) as n, sum(pd) as s, 1 as c1, 2 as c2, 3 as c3, 4 as c4, 5 as c5, 6 as c6, 7 as c7, loan_id from loan group by 1_2) t
select c from (select country as c, count(*) as n, sum(pd) as s, 1 as c1, 2 as c2, 3 as c3, 4 as c4, 5 as c5, 6 as c6, 7 as c7, max(loan_id) as k from loan group by country order by 1_1 limit 1) t
select v.i, b.country, count(*) from borrower b, (select unnest(range(91)) as i) v group by v.i, b.country having max(b.income) = avg(v.i)
select b.country, count(*) from borrower b join loan l using (borrower_id) group by b.country having max(b.income) = count(*)
select b.country, count(*) from borrower b join loan l using (borrower_id) group by b.country having max(b.income) = avg(l.ead)
select avg(a) from (select max(b.income) as a from borrower b, (select borrower_id as k from borrower) m group by m.k) t
select avg(a) from (select max(b.income) as a from borrower b, (select borrower_id as k from borrower) m group by m.k having count(*) > 0) t
select g, count(*) from (select borrower_id, first(ead) as g from (select * from loan order by loan_id) t group by borrower_id) s group by g
select r, country, count(*) from (select k, list_position(list(i), -1) as r from (select loan_id as k, loan_id as x, -1 as i from loan union all select loan_id, n.i, n.i from loan, (select unnest(range(91)) as i) n order by 2) t group by k) s join loan on loan_id = k group by all
select country, sum(ead) from (select * from loan order by loan_id) group by country
select country, count(*) from borrower group by country having first(income) > 50
select m.ead, l.country, count(*) from borrower l cross join (select distinct ead from loan) m anti join borrower x on x.borrower_id = l.borrower_id and x.income > 50 and m.ead = 1 anti join borrower y on y.borrower_id = l.borrower_id and y.income <= 50 and m.ead > 1 group by all
select v.i, l.country, count(*) from borrower l, (select count(*) as n, row_number() over () as i from loan group by grouping sets ((), (), ())) v where l.income > 50 group by all
select country, sum(distinct 1::hugeint << income::int) from borrower group by all
select country, sum((income::int::varchar || '0')::hugeint) from borrower group by all
select country, product(income) from borrower group by country
select v.i, l.country, count(*) from borrower l, (select count(*) as n, unnest(range(5)) as i) v where l.income > 50 group by all
select l.country, count(*) from borrower l, (select distinct ead as i from loan) v, (select distinct ead as i from loan) w where w.i <= v.i group by v.i, l.country having max(l.income) = 5
select country, histogram(pd) from loan group by country
select country, bit_or(ead::int) from loan group by country
select country, row_number() over (order by country) from loan group by country
select m.ead, l.country, count(*) from borrower l cross join loan m left join loan x on l.borrower_id = x.borrower_id and m.borrower_id = x.borrower_id where l.income > 50 group by all
select m.country, l.country, count(*) from borrower l cross join borrower m left join borrower x on l.borrower_id = x.borrower_id and m.borrower_id = x.borrower_id where l.income > 50 group by all
select n, count(*) from (select *, count(*) as n from (select income from borrower) t group by all) u group by n
select g, sum(r) from (select * exclude (g, income), sum(g) as g, sum(income) as r from (select full_name as x, 0 as g, income from borrower union all select 'a', 1, 0 union all select 'b', 2, 0) t group by all) u group by g
select country, sum(distinct (1 + income % 2) * (1 + income // 2 % 2 * 3)) from borrower group by all
select country, sum(distinct (1 + round(income)) * (1 + round(income / 2)) * (1 + round(income / 4))) from borrower group by all
select v.i, count(*) from (values ('a'), ('b')) v(i), (select 1 as full_name_1) b, loan z where exists (select 1 from (select l.full_name, m.full_name from borrower l join borrower m on m.borrower_id = l.borrower_id) t where full_name_1 = v.i) group by all
select v.loan_id, (select sum(pd) from (select * from (select loan_id, pd, loan_id from loan) i) t(x, pd) where x = loan_id) from (select unnest(range(60)) as loan_id) v
select v.loan_id, (select sum(pd) from (select loan_id, pd, loan_id from loan) t(x, pd) where x = loan_id) from (select unnest(range(60)) as loan_id) v
select full_name from (select country as full_name, max(full_name) as k from borrower group by country union all select 'zz', 'a' order by max(full_name) limit 2) t
select count(*) from (select income, country from borrower union select 57, 'CZ') t
select m.ead, l.country, count(*) from borrower l join loan m on m.borrower_id = l.borrower_id left join borrower x on x.borrower_id = l.borrower_id and x.income > 50 and m.ead = 1 left join borrower y on y.borrower_id = l.borrower_id and y.income <= 50 and m.ead > 1 where x.country is null and y.country is null group by all
select sum(pd) from (select true, loan_id as "true", loan_id, pd from loan) t where loan_id = "true"
select m.ead, count(*) from loan l join loan m on m.borrower_id = l.borrower_id join borrower b on b.borrower_id = l.borrower_id where b.income > 50 and m.loan_id <> l.loan_id group by all
with t as (select ead + 1, loan_id as "(ead + 1)", loan_id as k, pd from loan) select v."(ead + 1)", (select sum(pd) from t y(a) where k = "(ead + 1)") from (select unnest(range(60)) as "(ead + 1)") v
with t as (select true, loan_id as "true", loan_id as k, pd from loan) select v."true", (select sum(pd) from t y(a) where k = "true") from (select unnest(range(60)) as "true") v
select m.ead, l.country, count(*) from borrower l cross join loan m left join loan z on l.borrower_id = m.borrower_id where l.income > 50 group by all
select m.country, l.country, count(*) from borrower l cross join borrower m left join borrower z on l.borrower_id = m.borrower_id and z.borrower_id = l.borrower_id where l.income > 50 group by all
