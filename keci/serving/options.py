"""Where the server listens and what it takes on."""

from dataclasses import dataclass

from keci.options import Options, option


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions(Options):
    """Address and limits; a request beyond a limit is refused with 413, 429 or 503."""

    host: str = option("127.0.0.1", "Address to listen on; the default one is this machine's own.")
    port: int = option(8000, "Port to listen on; 0 takes a free one.", least=0)
    max_body: int = option(2_000_000, "Bytes of a request; more are refused (413).", least=1)
    max_texts: int = option(64, "Texts of a request; more are refused (413).", least=1)
    max_characters: int = option(
        100_000, "Characters of all texts of a request; more are refused (413).", least=1
    )
    max_waiting: int = option(
        512, "Texts that may wait for their answer; requests beyond them are refused (429).",
        least=1,
    )  # fmt: skip
    max_connections: int = option(
        1000, "Open connections; requests beyond them are refused (503).", least=1
    )
    body_seconds: int = option(10, "Time for a request to arrive, else 408.", least=1)
    seconds: int = option(30, "Time for its answer, else 503.", least=1)
    stop_seconds: int = option(
        30, "Time that open requests have for their answers when the server is stopped.", least=1
    )
    batch_texts: int = option(64, "Texts that are read together.", least=1)
