{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- A fund's position in each equity, all lines of the security combined.
select
    fund,
    as_of,
    security_id,
    sum(weight) as weight
from {{ ref('holdings') }}
where holdings_class = 'equity'
group by fund, as_of, security_id
