{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Where each stock is expected to go by total market capitalisation. A member within the band stays; at the lower end of the Russell 2000
-- there is no band. Without a border below it is unknown who stays, and there is no status; nor is there one for who leaves the
-- Russell 1000 for neither index, and for a company without a known capitalisation.
with placed as (
    select
        stocks.event,
        stocks.stage,
        stocks.is_hindsight,
        stocks.symbol,
        stocks.security_id,
        stocks.name,
        stocks.index_before,
        stocks.price,
        stocks.market_cap,
        stocks.not_eligible,
        ranks.size as company_size,
        ranks.size_rank,
        ranks.breakpoint,
        ranks.upper_border,
        ranks.lower_border,
        ranks.lower_limit
    from {{ ref('int_reconstitution_eligible') }} as stocks
    left join {{ ref('int_reconstitution_ranks') }} as ranks
        on stocks.event = ranks.event and stocks.stage = ranks.stage
        and stocks.company = ranks.company and stocks.index_before = ranks.index_before
),

judged as (
    select
        *,
        case
            when not_eligible is not null and index_before = 'Russell 2000' then 'leaves below'
            when not_eligible is not null then null
            when index_before = 'Russell 2000' and company_size > upper_border then 'leaves above'
            when index_before = 'Russell 2000' and company_size < lower_limit then 'leaves below'
            when index_before = 'Russell 1000' and company_size < lower_border then 'enters from above'
            when index_before = 'neither' and company_size < breakpoint and company_size >= lower_limit then 'enters from below'
            when index_before = 'Russell 1000' and lower_border is not null then 'stays'
            when index_before <> 'Russell 1000' and lower_limit is not null then 'stays'
        end as status
    from placed
)

select
    event,
    stage,
    is_hindsight,
    symbol,
    security_id,
    name,
    index_before,
    status,
    size_rank,
    cast(null as double) as weight,
    coalesce(company_size, market_cap) as market_cap,
    price,
    company_size,
    breakpoint,
    case
        when not_eligible is not null or status is null then null
        when status = 'leaves above' then upper_border
        when index_before = 'Russell 1000' then lower_border
        when status in ('leaves below', 'enters from below') then lower_limit
        when company_size * company_size >= lower_limit * upper_border then upper_border
        else lower_limit
    end as border,
    case
        when not_eligible is not null then not_eligible
        when company_size is null then 'no capitalisation is known'
        when status is null then 'no border below can be computed'
        when status = 'leaves above' then 'above the band'
        when status = 'leaves below' then 'smaller than the last company of the Russell 3000'
        when status = 'enters from above' then 'below the band'
        when status = 'enters from below' then 'among the companies of the Russell 2000; its country is unknown'
        else 'between the borders'
    end as why
from judged
where index_before <> 'neither' or status = 'enters from below'
