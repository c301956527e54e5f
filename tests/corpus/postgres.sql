select * from staff
select s.* from staff s
select s.id, t.* from staff s, shift t where t.staff_id = s.id
select count(*) from staff
select count(*) as n, count(distinct site), sum(wage), avg(score), min(born), max(seen) from staff
select site, sum(wage) from staff group by site
select site as place, count(*) from staff group by place order by place
select site, active, count(*) from staff group by 1, 2 order by 3 desc, 1
select upper(site) as site, count(*) from staff group by site
select site, count(*) from staff group by site having count(*) > 1 and site <> 'X'
select site, active, count(*), grouping(site, active) from staff group by grouping sets ((site, active), (site), ())
select site, active, sum(wage) from staff group by rollup (site, active)
select site, active, sum(wage) from staff group by cube (site, (active, born))
select site, count(*) from staff group by (site, active)
select count(*) from staff group by ()
select s.site, sum(t.hours) from staff s join shift t on t.staff_id = s.id group by s.site
select s.nick, t.hours from staff s left join shift t on t.staff_id = s.id where t.hours is null or t.hours > 1
select s.nick, t.hours from staff s right outer join shift t on t.staff_id = s.id
select s.nick, t.hours from staff s full join shift t on t.staff_id = s.id and t.hours > 2
select id, nick, hours from staff join shift using (id)
select * from staff join shift using (id)
select * from staff left join shift using (id, site)
select id, staff.id, shift.id from staff right join shift using (id)
select id, count(*) from staff full join shift using (id) group by id
select nick from staff natural join shift
select * from staff natural left join shift
select * from staff cross join shift
select * from staff, shift where staff.id = shift.staff_id
select a.id, b.id from staff a join staff b on a.id = b.id
select j.nick, j.hours from (staff join shift using (id)) as j
select * from (staff s join shift t on s.id = t.staff_id) as j(a, b, c)
select b, a from staff as s (a, b)
select s.a, s.pin from staff s(a)
select x.one, x.site from (select id, site from staff) as x(one)
with w as (select id, site from staff) select * from w
with w(a, b) as (select id, site from staff) select b, a from w
with a as (select id from staff), b as (select id from a where id > 3) select count(*) from b
with w as materialized (select id from staff) select w.id from w join w v using (id)
with w as not materialized (select id from staff) select id from w
with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select n from r
with recursive r as (select id, 1 as depth from staff where id = 1 union all select s.id, r.depth + 1 from staff s join r on s.id = r.id + 1 where r.depth < 4) select * from r
with recursive r(n) as (select 1 union select n % 3 + 1 from r) select n, (select count(*) from staff where id = n) from r
with staff as (select 1 as id) select staff.id, badge from staff, shift
with w as (select * from staff) select (select max(id) from w), (select min(w.wage) from w)
select id from staff union select id from shift
select id, nick from staff union all select id, badge from shift order by nick, 1 limit 5
(select id from staff order by id limit 2) union all (select id from shift order by 1 fetch first 2 rows only)
select id from staff intersect select staff_id from shift
select id from staff except all select staff_id from shift
(select id from staff union select staff_id from shift) order by id desc offset 1 limit 3
select 1 as a union select 2 union select 3
values (1, 'a'), (2, 'b')
select * from (values (1, 'a'), (2, 'b')) v
select v.a, s.nick from (values (1, 'a'), (2, 'b')) v(a, b) join staff s on s.id = v.a
select column1, column2 from (values (1, date '2020-01-01')) v
select distinct site from staff
select distinct on (site) site, nick from staff order by site, id desc
select distinct on (s.site, 2) site, active, id from staff s order by 1, 2, 3
select id from staff order by wage desc nulls last, nick fetch first row only
select id from staff order by id limit all offset 2
select id from staff order by id fetch first 3 rows with ties
select id, row_number() over (order by id), rank() over (partition by site order by wage desc) from staff
select id, sum(wage) over w, lag(nick, 1, 'none') over (w order by id) as before from staff window w as (partition by site)
select id, avg(wage) over (order by id rows between 2 preceding and current row exclude ties) from staff
select id, first_value(nick) over w, nth_value(nick, 2) over w, ntile(4) over w from staff window w as (order by id range between unbounded preceding and unbounded following)
select site, sum(sum(wage)) over (order by site) from staff group by site
select site, count(*) filter (where active) as on_duty, sum(wage) filter (where wage > 10) from staff group by site
select percentile_cont(0.5) within group (order by wage), percentile_disc(0.9) within group (order by id), mode() within group (order by site) from staff
select string_agg(nick, ', ' order by nick desc), array_agg(distinct site), bool_and(active), every(active), bit_or(id::int) from staff
select corr(score, id), covar_pop(score, id), regr_slope(score, id), stddev(score), var_samp(score) from staff
select json_agg(nick), jsonb_agg(site), json_object_agg(nick, id) from staff
select s from staff s
select staff from staff
select (s).nick from staff s
select row_to_json(s), to_jsonb(s) from staff s
select count(s), count(s.*) from staff s
select s is null, row(s.*), row(s.id, s.nick) from staff s
select array_agg(s) from staff s
select id from staff where (id, site) = (1, 'OSLO')
select id from staff where (id, site) in (select staff_id, site from shift)
select id from staff where id in (select staff_id from shift where shift.hours > 1)
select id from staff where id not in (1, 2, 3) and nick not like 'x%'
select id from staff s where exists (select from shift t where t.staff_id = s.id)
select id from staff s where not exists (select 1 from shift where staff_id = s.id and hours > s.wage)
select id, (select max(hours) from shift t where t.staff_id = s.id) from staff s
select id, (select count(*) from shift where staff_id = staff.id) as n from staff
select id from staff where id = any (array[1, 2]) or id > all (select staff_id from shift) or id = some (select 5)
select id, array(select hours from shift t where t.staff_id = s.id order by 1) from staff s
select s.id, q.n from staff s, lateral (select count(*) as n from shift t where t.staff_id = s.id) q
select s.id, q.hours from staff s left join lateral (select hours from shift t where t.staff_id = s.id order by hours limit 1) q on true
select s.id, g.n from staff s, generate_series(1, s.id) as g(n) where s.id < 3
select s.id, g from staff s cross join lateral generate_series(1, 2) g
select * from generate_series(1, 3)
select * from generate_series(date '2020-01-01', date '2020-03-01', interval '1 month') as d
select * from unnest(array['a', 'b']) with ordinality as u(t, n)
select u.* from unnest(array[1, 2], array['a', 'b']) as u(a, b)
select generate_series(1, 3) as n, 'x'
select id, unnest(tags) from shift
select id, tag from shift, unnest(tags) as tag
select value ->> 'k' as k from shift, jsonb_array_elements(info -> 'list')
select e.key, e.value from shift t cross join lateral jsonb_each_text(t.info) e
select m[1] from staff, regexp_matches(nick, 'n(.*)') m
select tags[1], tags[1:2], array_length(tags, 1), cardinality(tags), 'a' = any(tags), tags @> array['a'], tags && array['b'] from shift
select info -> 'a', info ->> 'b', info -> 0, info #> '{a,b}', info #>> '{a,b}', info @> '{"a": 1}' from shift
select jsonb_build_object('a', id, 'b', nick), json_build_array(1, nick), jsonb_typeof(to_jsonb(id)) from staff
select id::text, cast(wage as double precision), wage::numeric(10, 1), nick::varchar(3), array[id]::int[], true::int from (select id, wage, nick from staff) s where false
select 1::bigint, '2020-01-01'::date, date '2020-01-01', timestamp '2020-01-01 10:00', interval '2 days', '{1,2}'::int[], null::text, true, null, 1.5, -1, 'x'
select born + 1, born - date '2000-01-01', seen + interval '1 day', seen::date, seen at time zone 'UTC', age(seen) from staff
select extract(year from born), date_part('month', born), date_trunc('month', seen), to_char(seen, 'YYYY-MM'), make_date(2020, 1, 1) from staff
select current_date, current_timestamp, now(), localtimestamp, current_time from staff
select upper(nick), trim(both 'n' from nick), ltrim(nick, 'n'), substring(nick from 1 for 2), substring(nick, 2), position('n' in nick), overlay(nick placing 'x' from 1) from staff
select nick || '-' || site, concat(nick, site), lower(nick) like 'n%', nick ilike 'N%', nick ~ '^n', nick !~* 'x', nick similar to 'n%', nick like 'a!%' escape '!' from staff
select coalesce(wage, 0), nullif(id, 3), greatest(id, 2), least(id, 2), case when id > 3 then 'a' else nick end, case site when 'OSLO' then 1 end from staff
select id + 1, id % 2, id / 3, id ^ 2, -id, abs(id), round(wage, 1), power(score, 2), id & 1, id | 2, id # 3, ~id::int, id::int << 1 from staff
select id between 1 and 5, id not between symmetric 5 and 1, id is distinct from 3, active is true, active is not false, nick is not null, nick isnull from staff
select id from staff where id = :n and (:t = nick or :t is null)
select :n + id as m, :t || nick from staff order by :n limit :n
select nick collate "C" as n from staff order by nick collate "C"
select e'a\'b', e'\\', $$it's$$, $q$a $$ b$q$, 'it''s' from staff
select "id", "nick" as "Nick", STAFF.SITE, "staff"."born" from Staff
select nick as "A", site as "a", id as a from staff
select "A", a from (select nick as "A", site as a from staff) q
select x.id as "order", y."order" from staff x join (select id as "order" from staff) y on y."order" = x.id
select sum(wage) as wage, site from staff group by site order by wage
select site as nick, nick as site from staff order by nick, site
select -wage as wage from staff order by wage + 1
select lower(site) as site from staff group by site, lower(site) order by 1
select site from staff group by site having max(wage) > (select avg(wage) from staff)
select (select s.id), (select sum(1)), (select count(*) from shift where hours > (select min(wage) from staff where staff.id = shift.staff_id)) from staff s
select * from (select id, nick from staff) s join (select staff_id, sum(hours) as total from shift group by staff_id) t on t.staff_id = s.id
select * from staff s join (shift t join staff u on u.id = t.staff_id) on s.id = u.id
select s.id from staff s join shift t join staff u on u.id = t.staff_id on s.id = t.staff_id
select count(*) from (select from staff) x
select (array[1, 2, 3])[2], (array[[1, 2], [3, 4]])[1][2], array[id, 2] from staff
select o from (select (date '2020-01-01', date '2020-02-01') overlaps (date '2020-01-15', date '2020-03-01') as o) q
select width_bucket(score, 0, 10, 5), lpad(nick, 10, '0'), repeat('x', 3), md5(nick), encode(nick::bytea, 'hex'), to_hex(id), format('%s', nick) from staff
select site, count(*) as n from staff group by site union all select 'all', count(*) from staff order by n desc
select id from staff -- a comment; with a semicolon
select id /* a /* nested */ comment */ from staff;
table staff
select * from (table staff) s
select id from staff where active and not (wage > 10 or wage is null) and site in ('OSLO', 'BERN')
select max(case when active then wage end) - min(wage) as spread, sum((id > 3)::int) from staff
select t.staff_id, jsonb_object_agg(t.badge, t.hours order by t.id) from shift t group by t.staff_id
select s.nick, r.n from staff s join (select staff_id, count(*) as n, rank() over (order by count(*) desc) as place from shift group by 1) r on r.staff_id = s.id and r.place <= 3
select id from staff where not (nick is null) and not (wage is not null)
select (select nick as n from staff order by id limit 1), (select hours h from shift limit 1) from staff
select * from ((values (1), (2)) v(i) join staff s on s.id = v.i) join shift t on t.staff_id = v.i
select q.a, t.badge from (((select id as a from staff) q join shift t on t.staff_id = q.a))
select id from staff union all select id from shift union all select 3 union all (select 4 limit 1)
(with w as (select id from staff) select id from w union all select 1) union all select 2 union all select 3
select + id, - + id, q.nick from (select + id, nick from staff) as q(id, nick)
select id from staff ; -- the end
select cmax, ctid from (select max(id) as cmax, min(nick) as ctid from staff) x
