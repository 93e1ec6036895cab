# What a run tells at its end, once: mistakes of the user's, and summaries of analyses.
BEGAN = time.time()


def get_mistakes():
    """The sentences of the user's mistakes that jobs of this run have told, by the log beside which they lie."""
    files = [
        path
        for path in Path("logs").rglob("*.mistake")
        if path.stat().st_mtime >= BEGAN
    ]
    return {
        str(path.with_suffix("")): path.read_text(encoding="utf-8") for path in files
    }


class Retries(int):
    """How often a job that fails is sent anew, with more memory and time: not after a mistake of the user's."""

    def __gt__(self, tried):
        return int(self) > tried and not get_mistakes()


# Within a cluster's job itself, trying again would be in vain.
RETRIES = Retries(2 if workflow.is_main_process else 0)


def tells_more(record):
    """Whether one of Snakemake's messages tells more than the sentence of a mistake, which has been shown."""
    if record.levelno < logging.WARNING:
        return True
    logs = set(getattr(record, "log", None) or [])
    failed = record.getMessage().startswith(
        ("RuleException:\nCalledProcessError", "Cannot restore results/")
    )
    return not (logs & get_mistakes().keys() or (failed and get_mistakes()))


logging.getLogger("snakemake.logging").addFilter(tells_more)


def print_mistakes():
    """Tell the mistakes of jobs that ran elsewhere; those of jobs on this machine have been shown."""
    for sentence in dict.fromkeys(
        get_mistakes().values() if workflow.non_local_exec else []
    ):
        print(f"\nshapsketch: {sentence}\n", file=sys.stderr)


def print_summaries():
    for model, sequences in ANALYSES:
        summary = Path(f"results/{model}/{sequences}/summary.txt")
        if summary.exists():
            print(f"\n{summary.read_text().rstrip()}")
    for page in get_comparison():
        print(f"\ncompare them in {page}")
