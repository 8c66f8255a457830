"""Take the texts that a T5 wrote for removed clips out of a plan and out of the cache of texts; texts of other clips stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.output.layout import NEW_PLAN, T5_COUNTS
from pipeline.output.storage import Folder
from pipeline.output.t5_files import GeneratedTexts, forget, read_verdicts, write_verdicts
from pipeline.recipe.model import BuildRecipe
from pipeline.records import Clip


def without_texts(removed: Sequence[Clip], folder: Folder, recipe: BuildRecipe) -> Mapping[str, Any]:
    """Write the texts of a new plan without those that only removed clips asked for; return the counts of the T5 for its index.

    Args:
        recipe: that the plan was made from.
    """
    from transforms.planning.caption_model import CaptionModel
    from transforms.planning.caption_with_t5 import with_caption  # imports Beam

    model = CaptionModel("", "", "", recipe.t5, recipe.neutral)
    counted = read_verdicts(folder)
    texts = {verdict.prompt: GeneratedTexts(verdict.prompt, verdict.texts) for verdict in counted}
    prompts = set()
    for clip in removed:
        keywords = model.keywords_of(clip)
        if keywords:
            prompts.add(prompt := model.prompt_of(keywords))
            if prompt in texts:
                counted[with_caption(clip, texts[prompt], model)[1]] -= 1
    left = +counted
    forget(prompts - {verdict.prompt for verdict in left}, folder, NEW_PLAN)
    if not texts:
        return {}
    write_verdicts(left.items(), folder, NEW_PLAN)
    counts: Mapping[str, Any] = folder.read_json(f"{NEW_PLAN}/{T5_COUNTS}")
    folder.remove(f"{NEW_PLAN}/{T5_COUNTS}")
    return counts
