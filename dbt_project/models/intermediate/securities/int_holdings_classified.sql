-- The asset class and weight of each line of a snapshot.
with lines as (
    select
        holdings.*,
        {{ normalised_ticker('holdings.ticker') }} as normalised_ticker,
        classes.holdings_class as labelled_class,
        sectors.gics_sector as labelled_sector
    from {{ ref('stg_holdings') }} as holdings
    left join {{ ref('holdings_classes') }} as classes on holdings.asset_class_label = classes.asset_class_label
    left join {{ ref('sector_labels') }} as labels on holdings.sector_label = labels.sector_label
    -- A label counts only while its sector exists: GICS renamed and split some.
    left join {{ ref('gics_sectors') }} as sectors
        on labels.gics_sector = sectors.gics_sector and holdings.as_of between sectors.first_day and sectors.last_day
),

classified as (
    select
        *,
        {{ holdings_class('asset_class_label', 'labelled_class', 'normalised_ticker', 'exchange', 'name') }} as holdings_class
    from lines
),

-- Summed in file order by a window, so that the total is the same to the last digit whatever the order of the rows.
summed as (
    select
        fund,
        as_of,
        market_value,
        sum(market_value) over whole_snapshot as total_market_value,
        sum(stated_weight) over whole_snapshot as total_stated_weight
    from classified
    window whole_snapshot as (
        partition by fund, as_of order by line_no rows between unbounded preceding and unbounded following
    )
),

snapshots as (
    select
        fund,
        as_of,
        count(*) = count(market_value) as has_market_values,
        max(total_market_value) as market_value,
        max(total_stated_weight) as stated_weight
    from summed
    group by fund, as_of
)

select
    classified.fund,
    classified.as_of,
    classified.line_no,
    classified.normalised_ticker as ticker,
    classified.name,
    -- A US or Canadian ISIN contains the CUSIP.
    coalesce(
        {{ cusip_number('classified.cusip') }},
        case
            when classified.isin like 'US%' or classified.isin like 'CA%'
                then {{ cusip_number('substr(trim(classified.isin), 3, 9)') }}
        end
    ) as cusip,
    {{ isin_number('classified.isin') }} as isin,
    {{ sedol_number('classified.sedol') }} as sedol,
    classified.holdings_class,
    case when classified.holdings_class = 'equity' then classified.labelled_sector end as labelled_sector,
    classified.market_value,
    classified.quantity,
    case
        when snapshots.has_market_values then classified.market_value / snapshots.market_value
        else classified.stated_weight / snapshots.stated_weight
    end as weight,
    case when snapshots.has_market_values then 'market_value' else 'stated_weight' end as weight_basis,
    classified.observed_at,
    classified.document_id
from classified
inner join snapshots on classified.fund = snapshots.fund and classified.as_of = snapshots.as_of
