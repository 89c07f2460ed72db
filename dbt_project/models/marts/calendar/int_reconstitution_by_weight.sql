{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['least_price', 'least_float']) -%}
-- Where each member is expected to go, from fund weights alone. A weight counts free float only, so that it is the least that a
-- company can be worth: above the band it decides, below a border it is a reason to ask for the float. Without a border below it is
-- unknown who stays, and there is no status; nor is there one for who leaves the Russell 1000 for neither index, and without the
-- Russell 3000 fund. The price decides in any case.
with placed as (
    select
        members.*,
        sizes.size as company_size,
        sizes.size_rank,
        sizes.weight,
        sizes.breakpoint,
        sizes.upper_border,
        case when members.index_before = 'Russell 1000' then sizes.lower_border else sizes.floor_border end as lower_border,
        held.held_size
    from {{ ref('int_reconstitution_companies') }} as members
    left join {{ ref('int_reconstitution_sizes') }} as sizes
        on members.event = sizes.event and members.stage = sizes.stage
        and members.company = sizes.company and members.index_before = sizes.index_before
    left join {{ ref('int_reconstitution_held') }} as held
        on members.event = held.event and members.stage = held.stage and members.symbol = held.symbol
),

judged as (
    select
        *,
        case
            when price < cast({{ p.least_price }} as double) then 'price'
            when company_size is null then 'no size'
            when index_before = 'Russell 2000' and company_size > upper_border then 'above'
            when lower_border is null then 'no border'
            when company_size >= lower_border then 'inside'
            when company_size / lower_border >= held_size then 'held'
            else 'below'
        end as place,
        -- The border of the Russell 2000 already allows for shares that do not float.
        company_size / lower_border * case
            when index_before = 'Russell 1000' then 1 else cast({{ p.least_float }} as double)
        end as least_float
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
    case
        when place = 'above' then 'leaves above'
        when place = 'below' and index_before = 'Russell 1000' then 'enters from above'
        when place = 'below' or (place = 'price' and index_before = 'Russell 2000') then 'leaves below'
        when place not in ('price', 'no size', 'no border') then 'stays'
    end as status,
    size_rank,
    weight,
    cast(null as double) as market_cap,
    price,
    company_size,
    breakpoint,
    case
        when place in ('price', 'no size', 'no border') then null
        when place = 'above' then upper_border
        when index_before = 'Russell 1000' or place in ('below', 'held') then lower_border
        when company_size * company_size >= lower_border * upper_border then upper_border
        else lower_border
    end as border,
    case place
        when 'price' then 'price below {{ '%g' % p.least_price | float }} dollar'
        when 'above' then 'above the band'
        when 'no size' then 'its size in the Russell 3000 fund is not known'
        when 'no border' then 'no border below can be computed'
        when 'held' then 'kept its index at an earlier event with a smaller weight'
        when 'below' then 'below the border unless less than ' || {{ text('cast(ceil(100 * least_float) as integer)') }}
            || ' % of its shares float'
        else 'between the borders'
    end as why
from judged
