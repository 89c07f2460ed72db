{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['band']) -%}
-- The company of each member, its size with all share classes that the funds hold, and its place among all companies. Two symbols
-- are classes of one company if the names agree and the symbols are alike but for the last letter (LEN and LENB, BFA and BFB).
with worded as (
    select
        *,
        {{ name_words('name') }} as words,
        substr(symbol, 1, length(symbol) - 1) as stem
    from {{ ref('int_reconstitution_members') }}
    where size is not null
),

named as (
    select
        *,
        nullif({{ dbt.split_part('words', "' '", 1) }}, '') as first_word,
        nullif({{ dbt.split_part('words', "' '", 2) }}, '') as second_word
    from worded
),

classes as (
    select
        one.event,
        one.stage,
        one.symbol,
        min(other.symbol) as other_symbol
    from named as one
    inner join named as other
        on one.event = other.event and one.stage = other.stage and one.first_word = other.first_word
        and one.symbol <> other.symbol
        and (one.stem = other.symbol or one.symbol = other.stem or (length(one.stem) >= 2 and one.stem = other.stem))
        and {{ names_agree('one', 'other') }}
    group by one.event, one.stage, one.symbol
),

members as (
    select
        named.event,
        named.stage,
        named.symbol,
        named.security_id,
        named.name,
        named.index_before,
        named.price,
        named.small_value,
        named.broad_value,
        named.size,
        least(named.symbol, coalesce(classes.other_symbol, named.symbol)) as company
    from named
    left join classes on named.event = classes.event and named.stage = classes.stage and named.symbol = classes.symbol
),

companies as (
    select
        event,
        stage,
        company,
        sum(size) as company_size,
        min(index_before) as company_index
    from members
    group by event, stage, company
),

placed as (
    select
        *,
        row_number() over by_size as company_rank,
        sum(company_size) over (by_size rows between unbounded preceding and current row) as size_so_far,
        sum(company_size) over (
            partition by event, stage order by company_size desc, company
            rows between unbounded preceding and unbounded following
        ) as total_size
    from companies
    window by_size as (partition by event, stage order by company_size desc, company)
),

large as (
    select
        event,
        stage,
        sum(company_size / total_size) as share
    from placed
    where company_index = 'Russell 1000'
    group by event, stage
),

-- The Russell 1000 ends where the largest companies have the weight that it has. A rank would be too low a border: companies with
-- little free float rank far behind their total capitalisation.
borders as (
    select
        placed.event,
        placed.stage,
        max(case when placed.size_so_far / placed.total_size >= large.share then placed.company_size end) as breakpoint,
        max(
            case
                when placed.size_so_far / placed.total_size >= large.share - cast({{ p.band }} as double)
                then placed.company_size
            end
        ) as upper_border,
        max(
            case
                when placed.size_so_far / placed.total_size >= large.share + cast({{ p.band }} as double)
                then placed.company_size
            end
        ) as lower_border
    from placed
    inner join large on placed.event = large.event and placed.stage = large.stage
    group by placed.event, placed.stage
)

select
    members.*,
    placed.company_size,
    placed.company_rank,
    placed.company_size / placed.total_size as weight,
    borders.breakpoint,
    borders.upper_border,
    borders.lower_border
from members
inner join placed
    on members.event = placed.event and members.stage = placed.stage and members.company = placed.company
left join borders on members.event = borders.event and members.stage = borders.stage
