"""Take the texts that a T5 wrote for removed clips out of a plan and out of the cache of texts; texts of other clips stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.output.layout import NEW_PLAN, T5_COUNTS
from pipeline.output.storage import Folder
from pipeline.output.t5_files import GeneratedTexts, forget, read_verdicts, verdict_counts, write_verdicts
from pipeline.recipe.model import BuildRecipe
from pipeline.records import Clip


def without_texts(removed: Sequence[Clip], counts: Mapping[str, Any], folder: Folder, recipe: BuildRecipe) -> Mapping[str, Any]:
    """Write the texts of a new plan without those that only removed clips asked for; return the counts of the T5 for its index.

    Args:
        counts: of the plan, which also has the sets of keywords for which the T5 found no text.
        recipe: that the plan was made from.
    """
    from transforms.planning.caption_model import CaptionModel
    from transforms.planning.caption_with_t5 import with_caption  # imports Beam

    model = CaptionModel("", "", "", recipe.t5, recipe.neutral)
    counted = read_verdicts(folder)
    texts = {verdict.prompt: GeneratedTexts(verdict.prompt, verdict.texts) for verdict in counted}
    was, prompts, textless = verdict_counts(counted.items()), set[str](), Counter[str]()
    for clip in removed:
        keywords = model.keywords_of(clip)
        if keywords:
            prompts.add(prompt := model.prompt_of(keywords))
            if prompt in texts:
                counted[with_caption(clip, texts[prompt], model)[1]] -= 1
            else:
                textless[clip.dataset] += 1
    left = +counted
    forget(prompts - {verdict.prompt for verdict in left}, folder, NEW_PLAN)
    if not counts:
        return counts
    write_verdicts(left.items(), folder, NEW_PLAN)
    folder.remove(f"{NEW_PLAN}/{T5_COUNTS}")
    now = verdict_counts(left.items())
    changed = {name: _changed(of_plan, was.get(name), now.get(name), textless[name]) for name, of_plan in counts.items()}
    return {name: each for name, each in changed.items() if each["clips"][0]}


def _changed(counts: Mapping[str, Any], was: Mapping[str, Any] | None, now: Mapping[str, Any] | None, n_textless: int) -> dict[str, Any]:
    """Return the counts of a dataset, given those of its verdicts with texts as they were and are, and its removed clips without a text."""
    was, now = was or NONE, now or NONE
    pairs = {name: [n - a + b for n, a, b in zip(counts[name], was[name], now[name], strict=True)] for name in ("clips", "sets")}
    pairs["clips"][0] -= n_textless
    rules = Counter(counts["rules"])
    rules.subtract(was["rules"])
    rules.update(now["rules"])
    return {**pairs, "rules": dict(sorted((+rules).items()))}


NONE: Mapping[str, Any] = {"clips": [0, 0], "sets": [0, 0], "rules": {}}
