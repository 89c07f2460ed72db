{#-
    The parameters of one signal as a dictionary by name, read from seeds/signal_parameters.csv when a model is compiled: no
    warehouse table is needed. `names` lists the parameters that the model needs; a missing one stops the build. The model
    declares the signal in its config (meta: signals), from which `params_id` is derived. A value is written as the literal of a double:
    engines compute with decimals in different ways. To compute with it in Jinja, `| float` or `| int`.
-#}
{% macro signal_parameters(signal, names) %}
    {%- set found = {} -%}
    {%- if not execute -%}
        {%- for name in names -%} {%- do found.update({name: 1}) -%} {%- endfor -%}
        {{ return(found) }}
    {%- endif -%}
    {%- if signal not in (model.config.meta.signals or []) -%}
        {%- set said = model.name ~ " uses parameters of the signal " ~ signal ~ ": declare it in its config (meta: signals)" -%}
        {{ exceptions.raise_compiler_error(said) }}
    {%- endif -%}
    {%- for row in all_parameters() if row.signal == signal -%}
        {%- do found.update({row.name: double_literal(row.value)}) -%}
    {%- endfor -%}
    {%- for name in names if name not in found -%}
        {{ exceptions.raise_compiler_error("seeds/signal_parameters.csv has no parameter " ~ name ~ " for the signal " ~ signal) }}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#- A number as SQL writes a double; 0.5 alone is a decimal. -#}
{% macro double_literal(number) -%}
    {{ return(number ~ ('' if 'e' in number | string else 'e0')) }}
{%- endmacro %}

{#-
    A literal that identifies the parameters behind the rows of this model: a hash of the names and values of all parameters of
    the signals that the model and everything upstream of it declare. In a unit test it is the text 'unit test'.
-#}
{% macro params_id() %}
    {%- if not execute or model.unique_id not in graph.nodes -%} {{ return("'unit test'") }} {%- endif -%}
    {%- set signals, text = signals_of_everything_upstream(), [] -%}
    {%- for row in all_parameters() if row.signal in signals -%}
        {%- do text.append(row.signal ~ ':' ~ row.name ~ '=' ~ row.value) -%}
    {%- endfor -%}
    {{ return("'" ~ local_md5(text | join(';'))[:12] ~ "'") }}
{% endmacro %}

{#- The signals that this model and everything upstream of it declare. -#}
{% macro signals_of_everything_upstream() %}
    {%- set signals, waiting, seen = [], [model.unique_id], [] -%}
    {%- for _ in graph.nodes if waiting -%}
        {%- set node = graph.nodes[waiting.pop()] -%}
        {%- do signals.extend(node.config.meta.signals or []) -%}
        {%- for parent in node.depends_on.nodes if parent in graph.nodes and parent not in seen -%}
            {%- do seen.append(parent) -%}
            {%- do waiting.append(parent) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(signals | unique | list) }}
{% endmacro %}

{#- Every parameter as {signal, name, value}, sorted by signal and name. -#}
{% macro all_parameters() %}
    {%- set rows = [] -%}
    {%- for row in run_query(parameters_in_file(seed_path('signal_parameters'))).rows -%}
        {%- do rows.append({'signal': row[0], 'name': row[1], 'value': row[2] | float}) -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}

{#-
    The path of a seed's file. It is not taken from the seed's root_path: after the project is copied or moved, dbt keeps the path
    of an earlier parse and would read the parameters of the other copy. profiles.yml is in the same directory as dbt_project.yml.
-#}
{% macro seed_path(name) -%}
    {{ return(flags.PROFILES_DIR ~ '/' ~ graph.nodes['seed.' ~ project_name ~ '.' ~ name].original_file_path) }}
{%- endmacro %}
