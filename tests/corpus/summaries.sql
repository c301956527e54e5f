select count(*) from loan
select country, count(*) as n, sum(pd * ead) as loss from loan group by country order by n desc
select country as land, count(*) from loan group by land
select country, count(*) from loan group by 1 having count(*) > 5 order by 2
select year(originated_on) as y, max(pd), median(ead), quantile_cont(pd, 0.5) from loan group by y
select country, avg(pd) from loan group by all order by all
select country, count(*) from loan group by rollup (country)
select max(pd * ead) - min(pd + 1) as spread from loan
with s as (select country, sum(pd) as t from loan group by country) select a.country, a.t from s a join s b using (country)
select x.n from (select count(*) as n from loan l where exists (select 1 from borrower b where b.borrower_id = l.borrower_id)) x
select a.n, b.m from (select count(*) as n from loan) a, (select count(*) as m from borrower) b
select country, count(*) from loan l where exists (select 1 from borrower b where b.borrower_id = l.borrower_id) group by country
select country, sum(x) from (select country, pd * 2 as x from loan) t group by country
select v.c, sum(pd) from (values ('CZ'), ('DE')) v(c) join loan l on l.country = v.c group by v.c
select sum(pd) from loan where borrower_id in (select borrower_id from borrower where country = 'CZ')
select sum(pd) from loan where borrower_id not in (select borrower_id from borrower where country = 'CZ')
select sum(pd) from loan l where not exists (select 1 from borrower b where b.borrower_id = l.borrower_id)
select count(*), count(distinct borrower_id), approx_count_distinct(loan_id) from loan where loan_id is not null
select country, sum(pd) from loan where pd > (select avg(pd) from loan) group by country order by sum(pd) desc limit 3
select avg(n), max(n) from (select borrower_id, count(*) as n from loan group by borrower_id)
select b.country, sum(l.pd) from loan l join borrower b on b.borrower_id = l.borrower_id and l.country = b.country group by 1
select b.country, sum(l.pd * 2) from loan l left join borrower b using (borrower_id) where l.pd > 0.1 or l.ead < 5 group by all
select country, sum(pd) from loan group by country union all select 'all', sum(pd) from loan order by 2 limit 5
select i from (select unnest(range(3)) as i) order by i limit 2
select country, sum(ead) as s from loan group by country qualify row_number() over (order by sum(ead) desc) <= 3
select count(pd * 2), count(case when pd is null or pd + 1 is null then 1 end) from loan
select count(*) from loan where originated_on >= (select min(originated_on) from loan)
select country, sum(ead) from loan l where ead > (select avg(ead) from loan m where m.country = l.country) group by country
select year(originated_on) as originated_on, sum(ead) as ead from loan group by 1 order by originated_on, ead desc
select country, count(*) from (select distinct loan_id, country from loan) group by country
with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select n from r
select country, sum(pd) / sum(sum(pd)) over () as share from loan group by country
select country, year(originated_on) as y, sum(ead) - lag(sum(ead)) over w as more, rank() over (partition by country order by sum(ead) desc) from loan group by 1, 2 window w as (partition by country order by year(originated_on))
select country, sum(sum(ead)) over (order by country rows between 1 preceding and current row) as run from loan group by country
select sum(sum(pd)) over () from loan
select country, sum(pd) / (select sum(pd) from loan) as share from loan group by country
select (select count(*) from loan) as loans, (select count(*) from borrower) as borrowers
with total as (select sum(pd) as t from loan) select country, sum(pd) / (select t from total) as share from loan group by country
select country, count(*) filter (where pd > (select avg(pd) from loan)) from loan group by country
select country, count(distinct case when pd > 0.1 then borrower_id end) as bad, count(distinct borrower_id) as all_of_them from loan group by country
select max(case when pd > 0.1 then ead else 0 end), max(coalesce(ead, 0)), max(round(pd, 2)), min(ead::integer) from loan
select country, sum(pd) as s from loan group by country having sum(pd) > avg(sum(pd)) over ()
select country, count(*) as n from loan group by all having n > 5 and sum(pd) > 1 and country <> 'CZ'
select country, sum(pd) from loan group by country having sum(pd) > (select avg(pd) from loan)
select country, count(*) from loan group by country having exists (select 1 from borrower b where b.country = loan.country)
select a.country, sum(c.pd) from loan a join (loan c join borrower b on c.borrower_id = b.borrower_id) on a.loan_id = c.loan_id group by 1
select count(*) from (select pd as k from loan) x
select country as land, sum(k) as k2 from (select country, pd as k from loan) x group by all having k2 > 1 order by k2
with p as (select 0.5 as least) select country, count(*) from loan, p where pd > p.least group by country
with p as (select 500 as least) select country, count(*) from borrower, p where income > p.least group by country
with recent as (select * from loan where originated_on > date '2020-01-01'), per as (select borrower_id, sum(ead) as s from recent group by borrower_id) select avg(s), count(*) from per
select country, avg(income) / (select avg(income) from borrower) as share from borrower where income > (select avg(income) from borrower) group by country
select b.country, sum(l.ead) / sum(b.income) as ratio from loan l join borrower b using (borrower_id) group by b.country having sum(b.income) > sum(l.ead)
select b.country, count(distinct b.borrower_id) from loan l join borrower b using (borrower_id) group by 1
select country as c, count(*) from loan where c = 'CZ' group by 1
select b.country, count(*) from loan l left join borrower b using (borrower_id) group by 1
select b.country, sum(l.ead) from borrower b left join loan l on l.borrower_id = b.borrower_id and l.pd > 0.1 group by b.country
select country, sum(pd) as s, s / count(*) as mean from loan group by country
select country, sum(pd) as total, rank() over (order by total desc) as place from loan group by country
with t as (select country, sum(pd) as s from loan group by 1) select country, s / sum(s) over () as share, s - lag(s) over (order by country) from t
select count(*) from loan where originated_on > current_date - 30
select current_date as day, count(*) from loan
select upper(country), count(*) from loan group by upper(country) having upper(country) <> 'CZ'
select country, avg(income), count(*) from borrower where income between 10 and 50 group by country having count(*) > 10 order by 2 desc limit 3
select b.country, sum(l.ead) from borrower b join loan l using (borrower_id) where b.income > 50 and exists (select 1 from loan m where m.borrower_id = b.borrower_id) group by b.country
with rich as (select borrower_id, country from borrower where income > 50) select r.country, sum(ead) from rich r join loan using (borrower_id) group by r.country
with t as (select country, sum(income) as s from borrower where income > 5 group by 1) select country, s / sum(s) over () from t order by s
select country, count(*) from borrower group by country having max(income) > avg(income)
select country, count(*) from borrower anti join loan using (borrower_id) group by country
select country, count(*) from borrower b semi join loan l on l.borrower_id = b.borrower_id group by country
select country, sum(ead) from (select * from loan order by country) group by country
select b.country, sum(income * 1.1), avg(round(income / 1000)), sum(case when income > 5 then income end) from borrower b group by 1
select b.country, count(*) from borrower b, loan l where l.borrower_id = b.borrower_id and b.income > 50 and l.pd > 0.1 group by b.country
select b.country, count(*) from borrower b join loan l using (borrower_id) join loan m on m.loan_id = l.loan_id where b.income > 50 group by b.country
with m as (select avg(income) as a from borrower) select b.country, count(*) from borrower b, m where b.country <> 'CZ' group by b.country
select b.country, sum(l.ead) from borrower b left join loan l on l.borrower_id = b.borrower_id where b.income > 50 group by b.country
select b.country, sum(l.ead), avg(b.income * 2) from borrower b left join loan l using (borrower_id) where b.income > 50 group by b.country
