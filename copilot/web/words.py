"""Words that pages take from data, named here so that the catalogues know them."""


def N_(text: str) -> str:
    """A text to be translated where it is shown."""
    return text


WORDS = (
    # roles
    N_("operator"),
    N_("technician"),
    N_("supervisor"),
    N_("engineer"),
    N_("admin"),
    # states of proposals
    N_("proposed"),
    N_("policy denied"),
    N_("pending approval"),
    N_("approved"),
    N_("ready"),
    N_("executing"),
    N_("verified"),
    N_("failed"),
    N_("unknown"),
    N_("rejected"),
    N_("expired"),
    N_("withdrawn"),
    N_("superseded"),
    N_("resolved applied"),
    N_("resolved not applied"),
)
