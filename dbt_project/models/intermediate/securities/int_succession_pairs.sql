{{ config(meta={'signals': ['security_identity']}) }}
{% set p = signal_parameters('security_identity', ['succession_days', 'succession_quantity']) -%}
-- Securities that are the same although neither identifier nor ticker and name match: from one snapshot of a fund to the next,
-- one leaves and one arrives, with a share count in line with the fund's other holdings, and either under the same name (a new
-- ticker) or under the same ticker with a name that begins alike (a new name and new identifiers at once).
with positions as (
    select
        fund,
        as_of,
        security_key,
        max(ticker) as ticker,
        max(upper(trim(name))) as name,
        max(first_word) as first_word,
        sum(quantity) as quantity
    from {{ ref('int_line_keys') }}
    where holdings_class = 'equity'
    group by fund, as_of, security_key
),

snapshots as (
    select
        fund,
        as_of,
        lead(as_of) over (partition by fund order by as_of) as next_as_of
    from (select distinct fund, as_of from positions) as dates
),

-- A name shared by two securities of a snapshot identifies neither.
named as (
    select
        positions.*,
        snapshots.next_as_of,
        count(*) over (partition by positions.fund, positions.as_of, positions.name) as bearers
    from positions
    inner join snapshots on positions.fund = snapshots.fund and positions.as_of = snapshots.as_of
),

compared as (
    select
        before.fund,
        before.as_of,
        before.security_key,
        before.ticker,
        before.name,
        before.first_word,
        before.bearers,
        before.quantity,
        before.next_as_of,
        after.security_key as kept_key,
        after.quantity / nullif(before.quantity, 0) as change
    from named as before
    left join named as after
        on before.fund = after.fund and before.next_as_of = after.as_of and before.security_key = after.security_key
    where before.next_as_of is not null
        and {{ days_between('before.as_of', 'before.next_as_of') }} <= {{ p.succession_days | int }}
),

scales as (
    select
        fund,
        as_of,
        median(change) as change
    from compared
    where kept_key is not null
    group by fund, as_of
),

newcomers as (
    select named.*
    from named
    inner join snapshots on named.fund = snapshots.fund and named.as_of = snapshots.next_as_of
    left join named as before
        on snapshots.fund = before.fund and snapshots.as_of = before.as_of and named.security_key = before.security_key
    where before.security_key is null
),

candidates as (
    select
        compared.security_key as one,
        newcomers.security_key as other,
        count(*) over (partition by compared.fund, compared.as_of, compared.security_key) as successors,
        count(*) over (partition by compared.fund, compared.as_of, newcomers.security_key) as predecessors
    from compared
    inner join scales on compared.fund = scales.fund and compared.as_of = scales.as_of
    inner join newcomers on compared.fund = newcomers.fund and compared.next_as_of = newcomers.as_of
    where compared.kept_key is null
        and (
            (compared.name = newcomers.name and compared.bearers = 1 and newcomers.bearers = 1)
            or (compared.ticker = newcomers.ticker and substr(compared.first_word, 1, 3) = substr(newcomers.first_word, 1, 3))
        )
        and newcomers.quantity / nullif(compared.quantity * scales.change, 0)
        between 1 / cast({{ p.succession_quantity }} as double) and cast({{ p.succession_quantity }} as double)
)

select one, other from candidates where successors = 1 and predecessors = 1
union
select other, one from candidates where successors = 1 and predecessors = 1
union
select one, one from candidates where successors = 1 and predecessors = 1
union
select other, other from candidates where successors = 1 and predecessors = 1
