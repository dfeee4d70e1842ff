"""Themes learned from comments, without a codebook: words that come together, and whether they come again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.comments.codebook import LANGUAGES, language_of

__all__ = ["STABLE", "ThemeModel", "theme_numbers"]

STABLE = 0.8  # mean best cosine from which a theme is called stable (assumed)
_FEWEST = 50
_COMMENTS_A_WORD = 3
_ITERATIONS = 400
_CHINESE_WORD = (2, 4)  # characters


class ThemeModel:
    """Learn themes from the comments of one language.

    Parameters
    ----------
    themes : int
        Number of themes, 2 or more.
    language : str
        ``en`` (words and pairs of words) or ``zh`` (runs of 2 to 4 Chinese characters, no dictionary).
    redraws : int
        Bootstraps of the comments, each from another random start, that say how stable a theme is.
    seed : int
        Same seed, same themes.

    Attributes
    ----------
    words_ : DataFrame
        ``theme`` (1, 2, ...), ``word``, ``weight`` (1 for the heaviest of the theme), ``comments_count``; heaviest
        first, 10 a theme, fragments of a heavier word left out. Words of fewer than 3 comments are never used.
    stability_ : Series
        By theme: mean over redraws of the cosine with the best matching theme, each matched once, 0 to 1.
    comments_count_ : int
        Comments learned from.

    Notes
    -----
    TF-IDF, then non-negative matrix factorisation. Themes are described by words, and a person has to name them; an
    unstable theme (below .8) should not be named. The words may hold what a single customer wrote: publish only what
    `crmlab.satisfaction.comments.quotes` gives.

    Measured on a simulated bank (527 English and 134 Chinese short comments on 12 themes, 10 learned): mean stability
    about .7 and .6; 38 and 44 % of the comments have the planted theme that leads in their learned one. The model finds
    sentences that are written often. A few hundred short comments are too few: count by the codebook, and use this to
    see what the codebook lacks.

    References
    ----------
    Lee and Seung (1999), Learning the parts of objects by non-negative matrix factorization, Nature 401; Greene,
    O'Callaghan and Cunningham (2014), How many topics? Stability analysis for topic models, ECML PKDD.

    Examples
    --------
    >>> comments = pd.Series(["The fees are too high", "High fees again", "The app is slow", "A slow app"] * 15)
    >>> model = ThemeModel(themes=2, redraws=3).fit(comments)
    >>> sorted(model.words_.groupby("theme")["word"].first())
    ['app', 'fees']
    >>> model.transform(pd.Series(["fees, fees", "app"])).round(1).to_numpy().max(axis=1).tolist()
    [1.0, 1.0]
    """

    def __init__(self, *, themes: int = 8, language: str = "en", redraws: int = 10, seed: int = 1) -> None:
        self.themes = themes
        self.language = language
        self.redraws = redraws
        self.seed = seed

    def fit(self, comments: pd.Series) -> ThemeModel:
        """Learn from the comments of the model's language; the others are left out."""
        self._check()
        text = comments[language_of(comments) == self.language].astype(str)
        if len(text) < _FEWEST:
            refuse(
                f"themes: {len(text)} comments in {self.language!r}; {_FEWEST} are needed to learn themes. "
                "Use the codebook."
            )
        self._vectorizer = _vectorizer(self.language)
        try:
            weights = self._vectorizer.fit_transform(text)
        except ValueError:
            refuse(f"themes: no word stands in {_COMMENTS_A_WORD} comments. Use the codebook.")
        if weights.shape[1] <= self.themes:
            refuse(f"themes: {weights.shape[1]} words for {self.themes} themes. Ask for fewer themes.")
        self._factors = _factorise(weights, self.themes, "nndsvda", self.seed)
        self.comments_count_ = len(text)
        components = self._factors.components_
        self.words_ = _words(components, self._vectorizer.get_feature_names_out(), weights)
        generator = np.random.default_rng(self.seed)
        matches = []
        for redraw in range(self.redraws):
            rows = weights[generator.integers(0, len(text), len(text))]
            matches.append(_matches(components, _factorise(rows, self.themes, "random", redraw).components_))
        names = pd.RangeIndex(1, self.themes + 1, name="theme")
        self.stability_ = pd.Series(np.mean(matches, axis=0), index=names, name="stability")
        return self

    def transform(self, comments: pd.Series) -> pd.DataFrame:
        """Share of each theme in each comment, 0 to 1; all 0 for other languages and unknown words.

        One row a comment in the order given, numbered from 0 (no identifier); one column a theme.
        """
        if not hasattr(self, "words_"):
            refuse("themes: the model has learned nothing yet. Call fit first.")
        own = (language_of(comments) == self.language).to_numpy()
        weights = self._vectorizer.transform(comments.where(own, "").fillna("").astype(str))
        found = self._factors.transform(weights)
        # comparable between themes: what a theme adds to the text, not its bare factor
        found = found * np.linalg.norm(self._factors.components_, axis=1)
        total = found.sum(axis=1, keepdims=True)
        shares = np.divide(found, total, out=np.zeros_like(found), where=total > 0)
        return pd.DataFrame(shares, columns=pd.RangeIndex(1, self.themes + 1, name="theme"))

    def _check(self) -> None:
        problems = []
        if self.language not in LANGUAGES:
            problems.append(
                f"themes: language {self.language!r} is not known.{nearest(self.language, LANGUAGES)} "
                f"Choose one of {', '.join(LANGUAGES)}."
            )
        if self.themes < 2:
            problems.append(f"themes: {self.themes} themes. Ask for 2 or more.")
        if self.redraws < 1:
            problems.append(f"themes: {self.redraws} redraws. Ask for 1 or more.")
        refuse(*problems)


def theme_numbers(
    comments: pd.Series,
    *,
    numbers: Sequence[int] = (4, 6, 8, 10, 12),
    language: str = "en",
    redraws: int = 5,
    seed: int = 1,
) -> pd.DataFrame:
    """Compare numbers of themes by how stable the themes are.

    Returns
    -------
    DataFrame
        ``themes``, ``stability`` (mean over themes, 0 to 1), ``unstable_count`` (themes below .8), ``n`` comments. More
        themes describe more and come again less: take the largest number whose themes are stable, then read them.

    Examples
    --------
    >>> comments = pd.Series(["The fees are too high", "High fees again", "The app is slow", "A slow app"] * 15)
    >>> theme_numbers(comments, numbers=[2], redraws=2)[["themes", "unstable_count", "n"]].values.tolist()
    [[2, 0, 60]]
    """
    rows = []
    for number in numbers:
        model = ThemeModel(themes=number, language=language, redraws=redraws, seed=seed).fit(comments)
        rows.append((number, model.stability_.mean(), int((model.stability_ < STABLE).sum()), model.comments_count_))
    return pd.DataFrame(rows, columns=["themes", "stability", "unstable_count", "n"])


def _vectorizer(language: str):
    from sklearn.feature_extraction.text import TfidfVectorizer

    from crmlab.satisfaction.comments.quotes import EMPTY_WORDS

    if language == "zh":
        return TfidfVectorizer(analyzer=_characters, min_df=_COMMENTS_A_WORD, sublinear_tf=True)
    return TfidfVectorizer(
        ngram_range=(1, 2), stop_words=sorted(EMPTY_WORDS), token_pattern=r"[A-Za-z]{2,}", min_df=_COMMENTS_A_WORD,
        sublinear_tf=True,
    )  # fmt: skip


def _characters(text: str) -> list[str]:
    """Runs of Chinese characters; none reaches across punctuation."""
    from crmlab.satisfaction.comments.quotes import chinese_runs

    return [run for piece in text.split() for run in chinese_runs(piece, *_CHINESE_WORD)]


def _factorise(weights, themes: int, start: str, seed: int):
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    factors = NMF(themes, init=start, random_state=seed, max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        # the last digits of a factor do not matter for words; stability says whether the theme does
        warnings.simplefilter("ignore", ConvergenceWarning)
        factors.fit(weights)
    return factors


def _matches(components: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Cosine of each theme with its partner, partners chosen once each so that the sum is largest."""
    from scipy.optimize import linear_sum_assignment

    def unit(rows: np.ndarray) -> np.ndarray:
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)

    cosine = unit(components) @ unit(others).T
    rows, columns = linear_sum_assignment(-cosine)
    return cosine[rows, columns]


def _words(components: np.ndarray, names: np.ndarray, weights) -> pd.DataFrame:
    counts = np.asarray((weights > 0).sum(axis=0)).ravel()
    rows = []
    for theme, component in enumerate(components, start=1):
        chosen: list[str] = []
        heaviest = component.max() or 1.0
        for place in np.argsort(-component, kind="stable"):
            word = str(names[place])
            if component[place] <= 0 or len(chosen) == 10:
                break
            if not any(word in other or other in word for other in chosen):
                chosen.append(word)
                rows.append((theme, word, component[place] / heaviest, int(counts[place])))
    return pd.DataFrame(rows, columns=["theme", "word", "weight", "comments_count"])
