-- Below 99 % of the equity weight the sector table of a fund is no longer worth showing without a word: the check warns.
{{ config(severity='warn') }}
select sector_coverage.fund, sector_coverage.as_of, sector_coverage.coverage
from {{ ref('sector_coverage') }} as sector_coverage
inner join {{ ref('funds') }} as funds on sector_coverage.fund = funds.fund
where funds.role <> 'sector_source' and sector_coverage.coverage < 0.99
