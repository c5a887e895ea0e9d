"""servicelint finds the calls between services that can wait for ever, before they run."""


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version  # brings a parser of mails: few runs need to know

        return version("servicelint")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
