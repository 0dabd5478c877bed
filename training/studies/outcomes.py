"""A row of a study made again: trained, exported, and scored through the service's own inference."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ConfigError
from training.baselines import fit_baselines
from training.calibration import Calibration, calibrate
from training.experiment import Experiment
from training.loop import EpochReport
from training.making import make_run
from training.material import RunMaterial
from training.metrics import scores
from training.release import release
from training.scoring import Evaluation, evaluation, predictor
from training.splits import SplitKind
from training.studies.records import Study

TREES: Final = ("random forest", "XGBoost")

Probability = NDArray[np.float32]
Tell = Callable[[str], None]
Rule = Callable[[Calibration], float]
"""Which threshold a study scores at, of those that the threshold chips give."""


def balanced(fitted: Calibration) -> float:
    """Where precision and recall are equal."""
    return fitted.balanced


def half(_fitted: Calibration) -> float:
    """The threshold 0.5, whatever the chips say."""
    return 0.5


def highest_f1(fitted: Calibration) -> float:
    """Where F1 is highest."""
    return fitted.best_f1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one row gave here."""

    row: str
    words: str
    split: SplitKind
    threshold: float
    """By the study's rule, from the threshold chips."""
    scored: Evaluation
    dependent: Evaluation | None = None
    """Ground beside what was trained on, where some was held out."""
    model: Path | None
    """The folder of the exported network; None of trees, which have none."""
    parameters: int | None
    seconds: float
    """Training, export and scoring in this process; less where a run was continued."""

    def summary(self) -> dict[str, Any]:
        """Figures with 95 % intervals by what is resampled as a whole."""
        return self.scored.summary(self.threshold)

    def line(self) -> str:
        """For whoever waits for the rest."""
        found = scores(self.scored.counts, self.threshold)
        return f"{self.words}: F1 {found.f1:.2f}, AUC {found.pr_auc:.2f} after {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where and how rows are made."""

    out: Path
    """Runs and models, by the names of their experiments; an interrupted run continues."""
    threads: int
    rule: Rule
    tell: Tell
    report: Callable[[EpochReport], None]
    rows: tuple[str, ...] = ()
    """Names of those that are made; empty: all."""

    def chosen(self, study: Study) -> Study:
        """The study with the rows that are made.

        Raises:
            ConfigError: it has no row of a name.
        """
        there = {row.name: row for row in study.rows}
        unknown = [name for name in self.rows if name not in there]
        if unknown:
            raise ConfigError(
                f"study {study.letter} has no such row",
                item=", ".join(unknown),
                remedy=f"Choose among {', '.join(there)}.",
            )
        return replace(study, rows=tuple(there[name] for name in self.rows)) if self.rows else study

    @property
    def own_data(self) -> Path:
        """Where data are made that are not given."""
        return self.out / "data"

    def network(self, row: str, words: str, experiment: Experiment, material: RunMaterial) -> Outcome:
        """Train, export and score a row's network."""
        return self.heard(row, words, experiment, material)[0]

    def heard(
        self, row: str, words: str, experiment: Experiment, material: RunMaterial
    ) -> tuple[Outcome, tuple[Probability, Probability]]:
        """The same, and what it said, (N, H, W), about the threshold chips and about the scored ones."""
        began = time.monotonic()
        self.tell(f"== {words}: {experiment.name}, {material.split.kind}")
        run, model = self.out / experiment.name, self.out / "models" / experiment.name
        make_run(experiment, material, run, self.report, tell=self.tell)
        now = datetime.now(UTC)
        made = release(experiment, material, run, model, threads=self.threads, now=now, progress=self.tell)
        outcome = Outcome(
            row=row,
            words=words,
            split=material.split.kind,
            threshold=self.rule(made.calibration),
            scored=made.scored,
            dependent=made.dependent,
            model=model,
            parameters=made.parameters,
            seconds=time.monotonic() - began,
        )
        self.tell(outcome.line())
        return outcome, made.said

    def trees(self, row: str, material: RunMaterial) -> list[Outcome]:
        """Random forest and XGBoost on the inputs of a row, pixel by pixel with their neighbourhood."""
        found = []
        training = material.samples.take(material.split.train)
        fitted_on, scored = material.threshold(), material.scored()
        for name in TREES:
            began = time.monotonic()
            self.tell(f"== {name} on the inputs of {row}")
            *_, tree = fit_baselines(training, self.threads, names=(name,), progress=self.tell)
            fitted = calibrate(fitted_on, predictor(tree)(fitted_on))
            found.append(
                Outcome(
                    row=row,
                    words=name,
                    split=material.split.kind,
                    threshold=self.rule(fitted),
                    scored=evaluation(scored, predictor(tree)(scored)),
                    model=None,
                    parameters=None,
                    seconds=time.monotonic() - began,
                )
            )
        return found
