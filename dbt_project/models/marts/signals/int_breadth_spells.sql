{{ config(schema='intermediate', contract={'enforced': false}) }}
{{ spells(ref('breadth_daily'), 'breadth') }}
