"""A runbook's step as plain text, for the command line."""

from opsconsole.model.runbooks.runbook import StepView


def step_lines(number: int, step: StepView) -> list[str]:
    """One step as the command line prints it."""
    marks = [mark for mark, on in (("optional", step.optional), ("operation", step.changes)) if on]
    tail = f"  [{', '.join(marks)}]" if marks else ""
    lines = [f"{number:>3}. {step.title}{tail}"]
    if step.does and step.does != step.title:
        lines.append(f"     {step.does}")
    lines += [f"     {line}" for line in step.text.splitlines()]
    if step.answers:
        wanted = f", wanted {step.expect}" if step.expect else ""
        lines.append(f"     answers: {', '.join(step.answers)}{wanted}")
    return lines
