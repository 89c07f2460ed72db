{#-
    The parameters of one signal as a dictionary by name. They are written in seeds/signal_parameters.csv and read from that file
    when a model is compiled: no table of the warehouse is needed. `names` are those the model needs: one that is missing stops
    the build. The model declares the signal in its config (meta: signals), from which `params_id` is made.
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
    {%- for row in all_parameters() if row.signal == signal -%} {%- do found.update({row.name: row.value}) -%} {%- endfor -%}
    {%- for name in names if name not in found -%}
        {{ exceptions.raise_compiler_error("seeds/signal_parameters.csv has no parameter " ~ name ~ " for the signal " ~ signal) }}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#-
    A literal that says with which parameters the rows of this model were computed: a hash over the names and values of all
    parameters of the signals that the model and everything upstream of it declare. Not known in a unit test.
-#}
{% macro params_id() %}
    {%- if not execute or model.unique_id not in graph.nodes -%} {{ return("'unit test'") }} {%- endif -%}
    {%- set signals, text = signals_of_everything_upstream(), [] -%}
    {%- for row in all_parameters() if row.signal in signals -%}
        {%- do text.append(row.signal ~ ':' ~ row.name ~ '=' ~ row.value) -%}
    {%- endfor -%}
    {{ return("'" ~ local_md5(text | join(';'))[:12] ~ "'") }}
{% endmacro %}

{#- The signals that this model and all that it is made from declare. -#}
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

{#- Every parameter as {signal, name, value}, in the order of signal and name. -#}
{% macro all_parameters() %}
    {%- set rows = [] -%}
    {%- for row in run_query(parameters_in_file(seed_path('signal_parameters'))).rows -%}
        {%- do rows.append({'signal': row[0], 'name': row[1], 'value': row[2] | float}) -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}

{#-
    Where the file of a seed is. The seed's own root_path is not used: dbt keeps it from an earlier parse when the project was
    copied or moved, and would read the parameters of the other copy. profiles.yml is beside dbt_project.yml.
-#}
{% macro seed_path(name) -%}
    {{ return(flags.PROFILES_DIR ~ '/' ~ graph.nodes['seed.' ~ project_name ~ '.' ~ name].original_file_path) }}
{%- endmacro %}
