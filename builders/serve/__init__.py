"""The embedded endpoint: llama.cpp on this machine behind the HTTP interface of TGI.

Requests come in as Text Generation Inference (TGI) defines them (`bodies`), are checked
with TGI's rules and words (`orders`, `grammar`), run on llama.cpp's native server over
loopback (`engine`, `generation`) and leave in TGI's shapes (`answers`, `app`).
"""

from __future__ import annotations

from builders.serve.endpoint import embedded_endpoint

__all__ = ["embedded_endpoint"]
