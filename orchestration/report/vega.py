"""The Vega libraries as one script for the page. vl-convert includes and bundles them, so no network access is needed.

Bundling takes a second or two, so the script is cached in the data directory until the version of vl-convert changes.
"""

import hashlib
from pathlib import Path

from orchestration.files import write_atomically

# The only function of the bundle that the page calls. `ast` interprets expressions, so the page does not need unsafe-eval.
_SNIPPET = """
window.drawChart = (place, spec, options) => vegaEmbed(place, spec, {...options, ast: true});
dispatchEvent(new Event("library"));
"""


def vega_script(kept_in: Path) -> str:
    """Vega, Vega-Lite and Vega-Embed as one ES module without imports."""
    from importlib.metadata import version

    import vl_convert

    made_of = hashlib.sha256(f"{version('vl-convert-python')} {_SNIPPET}".encode()).hexdigest()[:12]
    path = kept_in / f"vega-{made_of}.js"
    script = _kept(path)
    if script is None:
        script = vl_convert.javascript_bundle(_SNIPPET)
        kept_in.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{_sum(script)}\n{script}".encode())
    return script


def _kept(path: Path) -> str | None:
    """The cached script; None if there is none or if its first line, the checksum, does not match."""
    if not path.exists():
        return None
    found, _, script = path.read_bytes().partition(b"\n")
    text = script.decode("utf-8", "replace")
    return text if found.decode("ascii", "replace") == _sum(text) else None


def _sum(script: str) -> str:
    return f"// {hashlib.sha256(script.encode()).hexdigest()}"
