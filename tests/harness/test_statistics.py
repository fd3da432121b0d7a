"""Limits and p-values are exact: they are checked against rational arithmetic and published values."""

import math
from fractions import Fraction

import numpy as np
import pytest

from fixtures.harness import statistics
from fixtures.harness.statistics import (
    FALSE_ALARM,
    FEWEST,
    UNITS,
    Rounding,
    at_least,
    bootstrap_limits,
    explained,
    lower_limit,
    most_changed,
    paired_accuracy,
    proves_little,
    ratio_limits,
    resampled_limits,
    units,
    upper_limit,
)
from models.spec import Budget

SMALL = [(successes, trials) for trials in (1, 2, 3, 7, 20) for successes in range(trials + 1)]
ERRORS = [0.25, 0.05, 0.005, 1e-6]
PUBLISHED = [
    # Two-sided 95 % limits by Clopper and Pearson, as R's binom.test and scipy's binomtest print them.
    (0, 10, 0.0, 0.3085),
    (1, 10, 0.0025, 0.4450),
    (5, 10, 0.1871, 0.8129),
    (10, 10, 0.6915, 1.0),
    (15, 148, 0.0578, 0.1617),
]
DEFAULTS = Budget(baseline=0.9)


def exact_at_least(successes, trials, chance):
    """Return the upper tail of the binomial distribution as a fraction."""
    p = Fraction(chance)
    terms = (math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(successes, trials + 1))
    return sum(terms, Fraction())


def outcomes(samples, lost, gained, *, both=0):
    """Return what a baseline and a candidate have right, with so many samples that only one of them has."""
    baseline, candidate = np.zeros((2, samples), bool)
    baseline[: lost + both] = candidate[lost : lost + both] = True
    candidate[samples - gained :] = True
    return baseline, candidate


def compare(samples, lost, gained, confidence=0.99):
    """Return the comparison of such outcomes."""
    return paired_accuracy(*outcomes(samples, lost, gained), confidence)


def chance_of_passing(samples, lost, gained, bound, confidence):
    """Return how often a candidate that truly loses and gains these shares of samples is found within *bound*."""
    error = (1 - confidence) / 2
    most_lost, most_gained = (int(samples * share + 12 * math.sqrt(samples * share)) for share in (lost, gained))
    above = np.array([upper_limit(count, samples, error) for count in range(most_lost + 1)])
    below = np.array([lower_limit(count, samples, error) for count in range(most_gained + 1)])
    ways = np.array(
        [[multinomial(samples, a, lost, b, gained) for b in range(most_gained + 1)] for a in range(most_lost + 1)]
    )
    assert ways.sum() == pytest.approx(1, abs=1e-9)
    return float(ways[above[:, None] - below <= bound].sum())


def multinomial(samples, lost, lost_share, gained, gained_share):
    """Return the probability of losing and gaining exactly so many samples."""
    rest = samples - lost - gained
    return math.exp(
        math.lgamma(samples + 1)
        - math.lgamma(lost + 1)
        - math.lgamma(gained + 1)
        - math.lgamma(rest + 1)
        + lost * math.log(lost_share)
        + (gained * math.log(gained_share) if gained_share else 0)
        + rest * math.log1p(-lost_share - gained_share)
    )


@pytest.mark.parametrize("chance", [1e-9, 0.1, 0.5, 0.999])
@pytest.mark.parametrize(("successes", "trials"), SMALL)
def test_tail_is_the_exact_one(successes, trials, chance):
    """The probability of at least so many successes is that of rational arithmetic."""
    assert at_least(successes, trials, chance) == pytest.approx(
        float(exact_at_least(successes, trials, chance)), rel=1e-10, abs=1e-300
    )


@pytest.mark.parametrize(
    ("successes", "chance", "expected"), [(0, 0.0, 1), (1, 0.0, 0), (5, 1.0, 1), (6, 1.0, 0), (6, 0.5, 0), (-1, 0.5, 1)]
)
def test_tail_is_right_at_its_ends(successes, chance, expected):
    """Certain and impossible events are certain and impossible."""
    assert at_least(successes, 5, chance) == expected


def test_tail_is_no_more_than_certain():
    """What adding up many terms costs in the last digits makes no chance larger than 1."""
    assert at_least(1, 100, 0.5) == at_least(1, 1000, 0.5) == 1


@pytest.mark.parametrize("trials", [1023, 1024, 2047])
def test_tail_needs_the_factorial_of_all_trials(trials):
    """Where the table of factorials has no entry to spare, it is long enough."""
    assert at_least(1, trials, 0.5) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("successes", "trials"), [case for case in SMALL if case[0] > 0])
def test_lower_limit_solves_its_equation(successes, trials, error):
    """With the lower limit as the true chance, so many successes or more happen with the permitted error."""
    limit = lower_limit(successes, trials, error)

    assert float(exact_at_least(successes, trials, limit)) == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("successes", "trials"), [case for case in SMALL if case[0] < case[1]])
def test_upper_limit_solves_its_equation(successes, trials, error):
    """With the upper limit as the true chance, so many successes or fewer happen with the permitted error."""
    limit = upper_limit(successes, trials, error)

    assert float(1 - exact_at_least(successes + 1, trials, limit)) == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("trials", [1, 10, 10_000])
def test_no_success_has_a_closed_form(trials):
    """Of none in n, the lower limit is 0 and the upper one 1 - error ** (1 / n)."""
    assert lower_limit(0, trials, 0.005) == 0
    assert upper_limit(0, trials, 0.005) == pytest.approx(1 - 0.005 ** (1 / trials), rel=1e-9)


@pytest.mark.parametrize(("successes", "trials", "lower", "upper"), PUBLISHED)
def test_limits_are_the_published_ones(successes, trials, lower, upper):
    """Clopper and Pearson's limits are those that statistical software prints."""
    assert lower_limit(successes, trials, 0.025) == pytest.approx(lower, abs=5e-5)
    assert upper_limit(successes, trials, 0.025) == pytest.approx(upper, abs=5e-5)


@pytest.mark.parametrize("chance", [0.001, 0.05, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("trials", [5, 30, 100])
def test_limits_cover_the_truth_as_often_as_they_say(trials, chance):
    """Summed over everything that can happen, 99 % limits contain the true chance in 99 % of the cases or more."""
    limits = [(lower_limit(k, trials, 0.005), upper_limit(k, trials, 0.005)) for k in range(trials + 1)]
    chances = [math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(trials + 1)]
    covered = [weight for weight, (low, high) in zip(chances, limits, strict=True) if low <= chance <= high]

    assert sum(covered) >= 0.99


@pytest.mark.parametrize(("lost", "gained"), [(0.02, 0.02), (0.05, 0.0), (0.1, 0.2), (0.001, 0.001)])
def test_drop_is_covered_as_often_as_it_says(lost, gained):
    """In seeded samples of a known truth, the limits on the drop contain it as often as the confidence says."""
    counts = np.random.default_rng(0).multinomial(300, [lost, gained, 1 - lost - gained], size=100)
    found = [compare(300, *map(int, count[:2]), confidence=0.9) for count in counts]

    assert np.mean([one.least <= lost - gained <= one.most for one in found]) >= 0.9


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (0, 1), (3, 2), (10, 2), (2, 10), (59, 121), (121, 59)])
def test_p_value_is_that_of_a_fair_coin(lost, gained):
    """McNemar's exact p-value is the upper tail of a fair coin over the samples that tell the models apart."""
    tail = sum(math.comb(lost + gained, k) for k in range(lost, lost + gained + 1))

    assert compare(300, lost, gained).p_value == pytest.approx(float(Fraction(tail, 2 ** (lost + gained))), rel=1e-10)


def test_p_value_is_the_published_one():
    """The example in the documentation of statsmodels' mcnemar has a two-sided p-value of 4.4344e-06."""
    assert 2 * compare(314, 121, 59).p_value == pytest.approx(4.4344e-06, rel=1e-4)


@pytest.mark.parametrize("lost", [0, 1, 2, 10, 100])
def test_another_loss_counts_against_the_candidate(lost):
    """With one sample more that only the baseline has right, all figures are worse."""
    fewer, more = compare(1000, lost, 5), compare(1000, lost + 1, 5)

    assert (more.drop, more.most) > (fewer.drop, fewer.most)
    assert more.least >= fewer.least
    assert more.p_value < fewer.p_value


@pytest.mark.parametrize("gained", [0, 1, 2, 10])
def test_another_gain_counts_for_the_candidate(gained):
    """With one sample more that only the candidate has right, all figures are better."""
    fewer, more = compare(1000, 5, gained), compare(1000, 5, gained + 1)

    assert (more.drop, more.least) < (fewer.drop, fewer.least)
    assert more.most <= fewer.most
    assert more.p_value > fewer.p_value


@pytest.mark.parametrize("samples", [10, 100, 1000])
def test_more_samples_prove_more(samples):
    """The same outcome on ten times the samples leaves less possible."""
    assert compare(10 * samples, 0, 0).most < compare(samples, 0, 0).most


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_more_confidence_needs_wider_limits(confidence):
    """With higher confidence, more remains possible on both sides."""
    low, high = compare(100, 3, 2, confidence), compare(100, 3, 2, (1 + confidence) / 2)

    assert high.least < low.least < low.drop < low.most < high.most


def test_identical_outcomes_show_no_drop():
    """Models that have the same samples right differ by nothing, within what so many samples can tell."""
    found = paired_accuracy(*outcomes(100, 0, 0, both=60), 0.99)

    assert (found.baseline, found.candidate, found.drop, found.p_value) == (0.6, 0.6, 0, 1)
    assert found.most == -found.least == pytest.approx(1 - 0.005 ** (1 / 100))


@pytest.mark.parametrize("lost", [0, 3, 100])
def test_what_is_left_possible_without_any_loss_is_told_whatever_was_lost(lost):
    """Of what is lost it does not depend: of none in n, an upper limit at half of the permitted error."""
    found = compare(100, lost, 0)

    assert found.unchanged == pytest.approx(1 - 0.005 ** (1 / 100), rel=1e-9)
    assert compare(100, 0, 0).most == found.unchanged


def test_disjoint_outcomes_show_the_whole_drop():
    """A candidate that has everything wrong that the baseline has right has lost everything."""
    found = compare(20, 20, 0)

    assert (found.lost, found.gained, found.drop, found.most) == (20, 0, 1, 1)
    assert found.p_value == 2**-20


def test_counts_are_of_the_right_side():
    """Samples that only one has right are told apart from those that both or neither have."""
    found = paired_accuracy(np.array([1, 1, 1, 0, 0], bool), np.array([1, 0, 0, 1, 0], bool), 0.9)

    assert (found.samples, found.lost, found.gained, found.baseline, found.candidate) == (5, 2, 1, 0.6, 0.4)


def test_sentence_says_all_of_it():
    """The sentence holds both accuracies, the counts, the p-value and what is not excluded at which confidence."""
    told = str(compare(200, 7, 3))

    assert "accuracy 3.5000% -> 1.5000% on 200 samples (7 lost, 3 gained, exact McNemar p = 0.17)" in told
    assert told.endswith("is not excluded at 99% confidence")


def test_outcomes_of_different_samples_are_refused():
    """Outcomes that cannot be paired are an error with both shapes."""
    with pytest.raises(ValueError, match=r"\(3,\) against \(4,\)"):
        paired_accuracy(np.ones(3, bool), np.ones(4, bool), 0.9)


def test_no_samples_are_refused():
    """Nothing is proved by nothing."""
    with pytest.raises(ValueError, match=r"\(0,\) against \(0,\)"):
        paired_accuracy(np.ones(0, bool), np.ones(0, bool), 0.9)


@pytest.mark.parametrize("gained", [0.0, 0.001])
def test_default_budget_rarely_passes_a_drop_of_its_size(gained):
    """As models/spec.py promises, a true drop as large as the bound passes less than once in 100 runs."""
    bound = DEFAULTS.metric_drop

    assert chance_of_passing(10_000, bound + gained, gained, bound, DEFAULTS.confidence) < 0.01


@pytest.mark.parametrize("moved", [0.0001, 0.001])
def test_default_budget_passes_what_costs_nothing(moved):
    """As models/spec.py promises, 10,000 images tell half a point from none almost surely, whatever else moves."""
    assert chance_of_passing(10_000, moved, moved, DEFAULTS.metric_drop, DEFAULTS.confidence) > 0.99


@pytest.mark.parametrize("trials", [50_000, 1_000_000])
@pytest.mark.parametrize("deviations", [-6, -1, 0, 1, 6])
def test_tail_of_many_trials_is_that_of_all_its_terms(trials, deviations):
    """Leaving out the terms that are too small to count changes no digit of a probability."""
    chance = 0.003
    successes = round(trials * chance + deviations * math.sqrt(trials * chance))
    every = [
        math.lgamma(trials + 1)
        - math.lgamma(count + 1)
        - math.lgamma(trials - count + 1)
        + count * math.log(chance)
        + (trials - count) * math.log1p(-chance)
        for count in range(successes, trials + 1)
    ]

    assert at_least(successes, trials, chance) == pytest.approx(math.fsum(map(math.exp, every)), rel=1e-7)


@pytest.mark.parametrize("chance", [0.0, 1e-9, 0.00025, 0.002, 0.3, 1.0])
@pytest.mark.parametrize("among", [1, 10])
@pytest.mark.parametrize("samples", [1, 50, 999, 10_000])
def test_rounding_explains_what_is_no_false_alarm(samples, chance, among):
    """More than is explained happens less often than is permitted, and as many do not."""
    most = explained(samples, chance, among)

    assert at_least(most + 1, samples, chance) < FALSE_ALARM / among
    assert most == 0 or at_least(most, samples, chance) >= FALSE_ALARM / among


def test_a_hundred_decisions_fail_a_good_model_once_in_ten_thousand_runs():
    """So often one decision may be wrong, where it is not one among others that fall short together."""
    assert pytest.approx(1e-4) == 100 * FALSE_ALARM
    assert explained(2000, 0.00025) == explained(2000, 0.00025, 1) < explained(2000, 0.00025, 2)
    assert Rounding(moved=0.0005).lost(2000) == Rounding(moved=0.0005).lost(2000, 1)


def test_more_may_change_of_more_samples():
    """What may change only grows with the samples, from what rounding explains of few to the share of many."""
    most = [most_changed(samples, 0.001) for samples in range(1, 60_000, 41)]

    assert most == sorted(most)
    assert most_changed(50, 0.001) == explained(50, 0.0005) > 1
    assert most_changed(100_000, 0.001) == 100 > explained(100_000, 0.0005)
    assert most_changed(1000, 0.0) == 0


def test_rounding_loses_half_of_what_it_moves():
    """A good model loses no more than half of the samples that rounding moves."""
    assert Rounding(moved=0.0005).lost(3000) == explained(3000, 0.00025)
    assert Rounding(moved=0.0005).lost(999, among=10) == explained(999, 0.00025, 10) > explained(999, 0.00025)
    assert Rounding().lost(3000) == 0


@pytest.mark.parametrize("samples", [20, 2000])
def test_noise_changes_an_error_by_less_than_it_explains(samples):
    """Noise changes a mean error as a normal variable would: by what is explained, a fifth of that and no more."""
    random = np.random.default_rng(0)
    errors, noise = 0.1 * random.normal(size=samples), 0.001 * random.normal(size=(2000, samples))
    error = np.abs(errors).mean()
    changes = (np.abs(errors + noise).mean(axis=1) - error) / error
    share = Rounding(noise=0.001).share(samples, error)

    assert np.std(changes) == pytest.approx(share / -statistics.NormalDist().inv_cdf(FALSE_ALARM), rel=0.1)
    assert np.abs(changes).max() < share


def test_noise_explains_no_growth_of_no_error():
    """Where there is no error, or no noise, there is no share of it."""
    assert Rounding(noise=0.001).share(100, 0.0) == Rounding().share(100, 0.1) == 0


@pytest.mark.parametrize(
    ("unchanged", "bound", "little"), [(0.002, 0.005, False), (0.0025, 0.005, False), (0.003, 0.005, True)]
)
def test_few_samples_have_no_room_for_a_bootstrapped_loss(unchanged, bound, little):
    """Samples that exclude a bound only where next to nothing is lost are few."""
    assert proves_little(unchanged, bound) == little


LOSSES = {
    # How single losses are distributed, and their mean.
    "normal": (lambda random, shape: random.normal(size=shape), 0),
    "exponential": (lambda random, shape: random.exponential(size=shape), 1),
    "exponential gains": (lambda random, shape: -random.exponential(size=shape), -1),
    "a share of an exponential error": (
        lambda random, shape: random.exponential(size=shape) * random.normal(1, 0.5, size=shape),
        1,
    ),
}


def mean(totals):
    """Return the means of values, of totals of them and of ones."""
    return totals[:, 0] / totals[:, 1]


def with_ones(values):
    """Return what `mean` takes of each sample."""
    return np.stack([values, np.ones(len(values))], axis=1)


def share_limits(values, confidence, least=0.0, most=1.0):
    """Return the limits on the mean of values in that range."""
    return bootstrap_limits(
        with_ones(values), mean, worst=np.array([most, 1]), best=np.array([least, 1]), confidence=confidence
    )


@pytest.fixture
def few_draws(monkeypatch):
    """A bootstrap of fewer draws, for simulations that repeat it."""
    monkeypatch.setattr(statistics, "_draws", lambda _: 1000)


@pytest.mark.parametrize(("samples", "times"), [(FEWEST, 400), (50, 400), (1000, 150)])
@pytest.mark.parametrize("losses", LOSSES)
def test_limits_on_losses_hold_as_often_as_they_say(few_draws, losses, samples, times):
    """In seeded samples of a known mean, each 99 % limit fails in 1 %, or in no more than chance makes of that."""
    draw, expected = LOSSES[losses]
    found = [
        ratio_limits(values, np.ones(samples), np.positive, 0.99)
        for values in draw(np.random.default_rng(1), (times, samples))
    ]

    for failures in (sum(most < expected for _, most in found), sum(least > expected for least, _ in found)):
        assert at_least(failures, times, 0.01) > 0.01


@pytest.mark.parametrize("samples", [FEWEST, 50])
def test_limits_on_ratios_hold_as_often_as_they_say(few_draws, samples):
    """So do those on a ratio of two errors that vary from sample to sample, each by itself."""
    before, now = np.random.default_rng(1).exponential(size=(2, 400, samples))
    found = [
        ratio_limits(1.2 * above, under, lambda ratio: ratio - 1, 0.99)
        for above, under in zip(now, before, strict=True)
    ]

    for failures in (sum(most < 0.2 for _, most in found), sum(least > 0.2 for least, _ in found)):
        assert at_least(failures, 400, 0.01) > 0.01


@pytest.mark.parametrize("samples", [1, 10, 50, 1000])
@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.9, 1])
def test_limits_on_0_and_1_are_those_of_clopper_and_pearson(samples, share):
    """Of values of 0 and 1 the limits are the exact ones, up to the chance in the draws: they hold as often."""
    ones = round(share * samples)
    least, most = share_limits((np.arange(samples) < ones).astype(float), 0.99)
    error = 0.05 * (most - least)

    assert least == pytest.approx(lower_limit(ones, samples, 0.01), abs=error)
    assert most == pytest.approx(upper_limit(ones, samples, 0.01), abs=error)


def test_rare_losses_are_covered_before_they_are_seen(few_draws):
    """A loss of which most samples show nothing is within the limit nevertheless, as often as it says."""
    random = np.random.default_rng(1)
    values = (random.random((400, 50)) < 0.02) * random.random((400, 50))
    failures = sum(share_limits(each, 0.99)[1] < 0.01 for each in values)

    assert (values.sum(axis=1) == 0).sum() > 100
    assert at_least(failures, 400, 0.01) > 0.01


def test_grouped_samples_have_the_limits_of_single_ones():
    """Grouping changes the limits by what is lost of the variance's precision, a few hundredths of their distance."""
    values = np.random.default_rng(2).exponential(size=20_000)
    single = ratio_limits(values, np.ones(20_000), np.positive, 0.99)
    unit = units(20_000)
    grouped = ratio_limits(np.bincount(unit, values), np.bincount(unit).astype(float), np.positive, 0.99)

    assert np.isfinite(single).all()
    assert grouped == pytest.approx(single, abs=0.1 * (single[1] - single[0]))


@pytest.mark.parametrize("samples", [40, 90])
def test_one_more_unit_is_beyond_all_that_were_seen(samples):
    """On each side it is as large as the others, and further out than they are, by their range the less the more."""
    random = np.random.default_rng(3)
    sizes = random.uniform(1, 3, samples)
    values = random.exponential(size=samples) * sizes
    ratio, usual = values.sum() / sizes.sum(), sizes.mean()
    beyond = values - ratio * sizes
    reach = math.sqrt(10 / samples) * (beyond.max() - beyond.min())

    assert ratio_limits(values, sizes, np.positive, 0.95) == bootstrap_limits(
        np.stack([values, sizes], axis=1),
        mean,
        worst=np.array([ratio * usual + beyond.max() + reach, usual]),
        best=np.array([ratio * usual + beyond.min() - reach, usual]),
        confidence=0.95,
    )


def test_limits_do_not_depend_on_the_size_of_what_is_weighed():
    """A ratio of sums stays what it is in another unit, be that so small that all sums are less than 1."""
    random = np.random.default_rng(3)
    values, sizes = random.exponential(size=(2, 40))

    expected = ratio_limits(values, sizes, np.positive, 0.95)
    assert ratio_limits(values * 2.0**-40, sizes * 2.0**-40, np.positive, 0.95) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("confidence", "draws"),
    [(0.5, 2000), (0.9, 2000), (0.97, 3333), (0.99, 10_000), (0.995, 20_000), (0.999, 50_000), (1, 50_000)],
)
def test_a_hundred_draws_are_beyond_a_limit(confidence, draws):
    """But for limits so far out that it would take more than 50,000, and so near that it would take less than 2,000."""
    drawn = []

    def counted(totals):
        drawn.append(len(totals))
        return mean(totals)

    bootstrap_limits(with_ones(np.arange(5.0)), counted, worst=np.ones(2), best=np.ones(2), confidence=confidence)

    assert sum(drawn) == 2 * draws


@pytest.mark.parametrize(("values", "expected"), [(98, math.inf), (99, 98), (100, 99), (198, 197), (199, 197)])
def test_quantile_leaves_one_more_value_its_chance(values, expected):
    """Of n values and one more, each as likely to be the largest, the limit is the least that fails in 1 % at most."""
    assert statistics._quantile(np.arange(float(values)), 0.99) == expected


@pytest.mark.parametrize("samples", [1, 999, 1000, 1001, 54_321])
def test_units_are_equal_and_random(samples):
    """Up to 1,000 samples are a unit each; more make 1,000 units of equal size that are no runs of neighbours."""
    found = units(samples)
    sizes = np.bincount(found)

    assert (len(found), len(sizes)) == (samples, min(samples, 1000))
    assert samples > UNITS or (np.diff(found) == 1).all()
    assert sizes.max() - sizes.min() <= 1
    assert samples <= UNITS or (np.diff(found) == 1).mean() < 0.01


def test_no_loss_is_certain():
    """Units that all have the same ratio leave nothing open, from two on."""
    for samples in (2, FEWEST, 100):
        weights = np.arange(1.0, samples + 1)
        assert ratio_limits(weights, weights, lambda ratio: ratio - 1, 0.99) == (0, 0)


@pytest.mark.parametrize("samples", [1, 2, FEWEST - 1])
def test_few_samples_prove_nothing_about_losses(samples):
    """Too few samples exclude no loss that has no bound."""
    values = np.arange(1.0, samples + 1)

    assert ratio_limits(values, np.ones(samples), np.positive, 0.99) == (-np.inf, np.inf)
    assert resampled_limits(lambda rows: values[rows].mean(), samples, 0.99) == (-np.inf, np.inf)


def test_ten_samples_prove_something_about_losses():
    """From FEWEST on, there is a range to go by."""
    values = np.arange(10.0)

    assert np.isfinite(ratio_limits(values, np.ones(10), np.positive, 0.99)).all()
    assert np.isfinite(resampled_limits(lambda rows: values[rows].mean(), 10, 0.99)).all()


@pytest.mark.parametrize("scale", [1, 2.0**-40])
def test_ratio_without_a_denominator_excludes_nothing(scale):
    """Where the denominators may sum up to nothing, any loss is possible."""
    assert ratio_limits(np.ones(20), scale * np.resize([1.0, -0.9], 20), np.positive, 0.99) == (-np.inf, np.inf)


def test_certainty_excludes_nothing():
    """At a confidence of 1 nothing is excluded."""
    assert ratio_limits(np.arange(20.0), np.ones(20), np.positive, 1) == (-np.inf, np.inf)


@pytest.mark.parametrize(("freedom", "expected"), [(9, 2.8214), (19, 2.5395), (49, 2.4049), (999, 2.3301)])
def test_student_is_the_published_one(freedom, expected):
    """The quantiles of Student's distribution are those in its tables."""
    assert statistics._student(freedom, 0.99) * 2.32635 == pytest.approx(expected, abs=2e-3)


def exact_student(freedom, confidence):
    """Return the quantile of Student's distribution, whose tail has a closed form for even degrees of *freedom*.

    Abramowitz and Stegun, 26.7.4.
    """
    low, high = 0.0, 10.0
    while (middle := (low + high) / 2) not in (low, high):
        cosine = freedom / (freedom + middle**2)
        terms, term = [1.0], 1.0
        for power in range(1, freedom // 2):
            term *= (2 * power - 1) / (2 * power) * cosine
            terms.append(term)
        inside = middle / math.sqrt(freedom + middle**2) * math.fsum(terms)
        low, high = (middle, high) if (1 + inside) / 2 < confidence else (low, middle)
    return low


def test_student_has_the_first_terms_of_its_series():
    """What it is off by is the next term of the series alone, which falls with the fourth power of the freedom."""
    freedom, z = 600, statistics.NormalDist().inv_cdf(0.99)
    off = exact_student(freedom, 0.99) / z - statistics._student(freedom, 0.99)
    following = (79 * z**8 + 776 * z**6 + 1482 * z**4 - 1920 * z**2 - 945) / 92160

    assert off * freedom**4 == pytest.approx(following, abs=0.5)


def test_resampled_limits_are_widened_as_those_of_few_samples_have_to_be(monkeypatch):
    """By Student's quantile over the normal one, and by what the variance of a resample falls short of the true one."""
    monkeypatch.setattr(statistics, "_quantile", lambda *_: 1.0)
    least, most = resampled_limits(lambda _: 5.0, 10, 0.99)

    assert 5 - least == most - 5 == pytest.approx(2.8214 / 2.32635 * math.sqrt(10 / 9), rel=1e-3)


def test_resampled_limits_are_of_each_side():
    """The largest of resampled values is never more than that of all: no loss is possible, only gains."""
    values, calls = np.arange(100.0), []

    def largest(rows):
        calls.append(len(rows))
        return values[rows].max()

    least, most = resampled_limits(largest, 100, 0.99)

    assert least < 98 < most == 99
    assert calls == [100] * (1 + 500)


@pytest.mark.parametrize("losses", ["normal", "exponential gains"])
@pytest.mark.parametrize("samples", [FEWEST, 50])
def test_resampled_limits_hold_as_often_as_they_say(losses, samples):
    """Limits on a metric of all samples at once, here the mean, hold where the losses have no long tail."""
    draw, expected = LOSSES[losses]
    found = [
        resampled_limits(lambda rows, values=values: float(values[rows].mean()), samples, 0.99)[1]
        for values in draw(np.random.default_rng(1), (100, samples))
    ]

    assert at_least(sum(most < expected for most in found), 100, 0.01) > 0.01


def test_resamples_without_a_value_are_the_worst():
    """A resample that has no value may have had any: with more than the permitted error of them, all is possible."""
    values = np.arange(100.0)

    def loss(rows):
        return values[rows].mean() if 0 in rows else float("nan")

    assert resampled_limits(loss, 100, 0.99) == (-np.inf, np.inf)


def test_counts_are_as_good_as_outcomes():
    """What the counts of outcomes prove is what the outcomes prove, to the last bit."""
    random = np.random.default_rng(0)
    baseline, candidate = (random.random(997) < chance for chance in (0.9, 0.8))
    lost, gained = int((baseline & ~candidate).sum()), int((candidate & ~baseline).sum())
    found = statistics.counted_accuracy(997, int(baseline.sum()), lost, gained, 0.95)

    assert found == paired_accuracy(baseline, candidate, 0.95)
    assert (found.baseline, found.candidate) == (float(baseline.mean()), float(candidate.mean()))
    assert (found.least, found.most) == statistics.paired_limits(997, lost, gained, 0.95)
    assert statistics.unchanged_limit(997, 0.95) == found.unchanged == upper_limit(0, 997, (1 - 0.95) / 2)
