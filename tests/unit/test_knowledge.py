"""Newest knowledge wins, without clocks: what a point shows after each answer and each write."""

from dataclasses import dataclass
import struct
from types import SimpleNamespace

from hypothesis import given, strategies as st
import pytest

from custom_components.enos import knowledge
from custom_components.enos.api.models import DataType, JsonValue, Measurepoint, Reading
from custom_components.enos.knowledge import Fate, Mask, PointState, Source

STORED, DIRECT = Source.STORED, Source.DIRECT


class Clock:
    """Our own monotonic clock, moved by hand."""

    now = 5000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put the hand-moved clock where knowledge looks at the time."""
    hand_moved = Clock()
    monkeypatch.setattr(
        knowledge, "time", SimpleNamespace(monotonic=lambda: hand_moved.now)
    )
    return hand_moved


def point(data_type: DataType = DataType.FLOAT, step: str = "") -> Measurepoint:
    """Return a measurepoint."""
    tags = {"ha/step": step} if step else {}
    return Measurepoint(identifier="setpoint", data_type=data_type, tags=tags)


# Readings: answers in the order in which they come.

type Answer = tuple[Source, JsonValue, int | None]


@dataclass(frozen=True)
class Story:
    """Answers, and which of them replaced the reading."""

    name: str
    answers: tuple[tuple[Answer, bool], ...]


def s(value: JsonValue, time: int | None) -> Answer:
    """Return an answer of the time series."""
    return STORED, value, time


def d(value: JsonValue, time: int | None) -> Answer:
    """Return an answer of the device's own last values."""
    return DIRECT, value, time


STORIES = (
    Story("the first answer is taken", ((s(20, 1000), True),)),
    Story(
        "the same answer is no news",
        ((s(20, 1000), True), (s(20, 1000), False), (s(20, 1000), False)),
    ),
    Story("a later one replaces", ((s(20, 1000), True), (s(21, 2000), True))),
    Story(
        "also with the same value, for it tells that the device lives",
        ((s(20, 1000), True), (s(20, 2000), True)),
    ),
    Story(
        "a clock set back is news, and so is all that follows",
        (
            (s(20, 9_000_000), True),
            (s(21, 1000), True),
            (s(22, 2000), True),
            (s(22, 2000), False),
        ),
    ),
    Story(
        "a clock far ahead that is put right",
        ((s(20, 4_102_444_800_000), True), (s(21, 1_800_000_000_000), True)),
    ),
    Story(
        "an older one of another source is not news, not even twice",
        (
            (s(20, 1000), True),
            (d(21, 3000), True),
            (s(20.5, 2000), False),
            (s(20.5, 2000), False),
            (s(20.7, 2500), False),
            (s(21, 3000), False),
            (s(22, 4000), True),
        ),
    ),
    Story(
        "the set-back clock seen by one source; the other still tells the old",
        (
            (s(20, 9000), True),
            (d(20, 9000), False),
            (d(21, 1000), True),
            (s(20, 9000), False),
            (s(22, 2000), True),
            (d(22, 2000), False),
        ),
    ),
    Story(
        "the same time with another value: the device corrected itself",
        ((s(20, 1000), True), (s(21, 1000), True), (s(20, 1000), True)),
    ),
    Story(
        "answers without a time: the last one counts",
        ((s(20, None), True), (s(20, None), False), (s(21, None), True)),
    ),
    Story(
        "without a time they also go back and forth",
        ((s(1, None), True), (s(0, None), True), (s(1, None), True)),
    ),
    Story(
        "one source has times, the other does not",
        (
            (s(20, 1000), True),
            (d(21, None), True),
            (s(20, 1000), False),
            (d(21, None), False),
            (s(22, 2000), True),
        ),
    ),
    Story(
        "whole seconds: the sample that another source told with milliseconds",
        ((d(21, 10_800), True), (s(21, 10_000), False), (s(22, 12_000), True)),
    ),
    Story(
        "replies in the wrong order are no clock set back",
        (
            (d(20, 1000), True),
            (d(21, 2000), True),
            (d(20, 1000), False),
            (d(21, 2000), False),
            (d(22, 3000), True),
        ),
    ),
    Story(
        "a set-back clock that the one source tells after the other",
        ((s(20, 9000), True), (d(21, 1000), False), (s(21, 1000), True)),
    ),
    Story(
        "replicas that take turns, one behind the other",
        (
            (s(20, 1000), True),
            (s(21, 2000), True),
            (s(20, 1000), False),
            (s(21, 2000), False),
            (s(20, 1000), False),
            (s(22, 3000), True),
            (s(21, 2000), False),
            (s(22, 3000), False),
        ),
    ),
    Story("a null is an answer", ((s(20, 1000), True), (s(None, 2000), True))),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_readings(story: Story) -> None:
    """What is news, and nothing else, replaces the reading."""
    state = PointState(point())
    shown: Reading | None = None
    for (source, value, time), news in story.answers:
        sample = Reading(value, time)
        assert state.offer(source, sample) is news, sample
        if news:
            shown = sample
            assert state.source is source
        assert state.reading == shown
        assert shown is not None
        assert state.value == shown.value


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Reading], list[tuple[Source, int]], bool]:
    """A device's samples, which of them each source tells when, and whether its clock was set back."""
    count = draw(st.integers(2, 12))
    gaps = draw(st.lists(st.integers(1, 5000), min_size=count, max_size=count))
    set_back = draw(st.one_of(st.none(), st.integers(1, count - 1)))
    samples, time = [], 1_000_000
    for number, gap in enumerate(gaps):
        time += gap
        if number == set_back:
            time -= draw(st.integers(6000, 900_000))
        samples.append(Reading(number, time))
    steps = draw(
        st.lists(st.tuples(st.sampled_from(Source), st.integers(0, count - 1)))
    )
    told = dict.fromkeys(Source, 0)
    answers = []
    for source, number in steps:
        # No source goes back; each may lag, or miss what came between.
        told[source] = max(told[source], number)
        answers.append((source, told[source]))
    return samples, answers, set_back is not None


@given(histories(), st.permutations(list(Source)))
def test_sources_that_lag(
    history: tuple[list[Reading], list[tuple[Source, int]], bool], last: list[Source]
) -> None:
    """The newest sample that any source told shows; after a set-back at the latest when all told."""
    samples, answers, set_back = history
    state = PointState(point())
    newest = -1
    for source, number in answers:
        state.offer(source, samples[number])
        newest = max(newest, number)
        if not set_back:
            assert state.reading == samples[newest]
    for source in last:
        state.offer(source, samples[-1])
    assert state.reading == samples[-1]


def test_age(clock: Clock) -> None:
    """It is told by our own clock, and no news does not make it younger."""
    state = PointState(point())
    assert state.age is None
    state.offer(STORED, Reading(20, 1000))
    clock.now += 10
    assert state.age == 10
    state.offer(STORED, Reading(20, 1000))
    state.offer(DIRECT, Reading(19, 500))
    assert state.age == 10
    state.offer(DIRECT, Reading(21, 2000))
    assert state.age == 0


# Writes.


@dataclass
class Bench:
    """A point whose reading was 20 when 21 was written and acknowledged."""

    clock: Clock
    state: PointState

    def at(self, seconds: float) -> None:
        """Set the clock to so many seconds after the acknowledgement."""
        self.clock.now = 5000.0 + seconds

    def answer(self, source: Source, value: JsonValue, time: int | None) -> Fate | None:
        """Have a source answer; return what that says of the write."""
        self.state.offer(source, Reading(value, time))
        return self.settle()

    def settle(self) -> Fate | None:
        """Return what is known of the write by now."""
        return self.state.settle(self.clock.now)

    def acknowledge(self, value: JsonValue, before: Reading | None) -> Fate | None:
        """Have the device acknowledge a write."""
        older, self.state.mask = self.state.mask, Mask(value, before, self.clock.now)
        self.state.mask.follow(older)
        return self.settle()


def bench_of(clock: Clock, measurepoint: Measurepoint) -> Bench:
    """Return a point that was read once, long before."""
    bench = Bench(clock, PointState(measurepoint))
    bench.at(-100)
    bench.answer(STORED, 20, 100_000)
    bench.at(0)
    return bench


@pytest.fixture
def bench(clock: Clock) -> Bench:
    """Return the point right after the acknowledgement."""
    bench = bench_of(clock, point())
    assert bench.acknowledge(21, bench.state.reading) is None
    return bench


def test_an_acknowledged_value_shows_at_once(bench: Bench) -> None:
    """And stays while the reading is what it was, however long that is."""
    assert bench.state.value == 21
    for seconds in (1, 29, 31, 121, 100_000):
        bench.at(seconds)
        assert bench.answer(STORED, 20, 100_000) is None
        assert bench.answer(DIRECT, 20, 100_000) is None
        assert bench.state.value == 21


@pytest.mark.parametrize("source", Source)
def test_a_sample_with_the_value_confirms(bench: Bench, source: Source) -> None:
    """From then on the samples show again."""
    bench.at(1)
    assert bench.answer(source, 21.0, 101_000) is Fate.CONFIRMED
    assert bench.state.mask is None
    assert bench.state.value == 21.0
    assert bench.answer(source, 22, 102_000) is None
    assert bench.state.value == 22


@pytest.mark.parametrize(
    ("data_type", "step", "written", "sample", "confirms"),
    [
        (DataType.FLOAT, "", 21.3, struct.unpack("f", struct.pack("f", 21.3))[0], True),
        (DataType.FLOAT, "", 21.3, 21.31, False),
        (DataType.FLOAT, "", 21.3, "21.3", True),
        (DataType.FLOAT, "0.5", 21.5, 21.25, True),
        (DataType.FLOAT, "0.5", 21.5, 21.2, False),
        (DataType.FLOAT, "0.1", 21.0, 21.05, True),
        (DataType.DOUBLE, "", 21.3, 21.299999237060547, True),
        (DataType.INT, "", 21, "21", True),
        (DataType.INT, "", 21, 22, False),
        (DataType.INT, "5", 25, 23, True),
        (DataType.INT, "5", 25, 22, False),
        (DataType.BOOL, "", 1, True, True),
        (DataType.BOOL, "", True, "false", False),
        (DataType.ENUM, "", 3, "3", True),
        (DataType.ENUM, "", "3", "4", False),
        (DataType.STRING, "", "on", "off", False),
        (DataType.ARRAY, "", [1, 2], "[1, 2]", True),
        (DataType.STRUCT, "", {"a": 1}, {"a": 2}, False),
        (DataType.FLOAT, "", 21, None, False),
        (DataType.FLOAT, "", 21, "NaN", False),
    ],
)
def test_what_counts_as_the_value(
    clock: Clock,
    data_type: DataType,
    step: str,
    written: JsonValue,
    sample: JsonValue,
    *,
    confirms: bool,
) -> None:
    """Half a step and what a 32-bit float loses are no difference."""
    bench = bench_of(clock, point(data_type, step))
    assert bench.acknowledge(written, bench.state.reading) is None
    bench.at(1)
    fate = bench.answer(STORED, sample, 101_000)
    assert (fate is Fate.CONFIRMED) is confirms
    assert bench.state.value == (sample if confirms else written)


@pytest.mark.parametrize(("can_read_back", "settle"), [(True, 30), (False, 120)])
def test_a_contradicting_sample_has_to_wait(
    bench: Bench, *, can_read_back: bool, settle: float
) -> None:
    """A poll that was under way when the write came may bring an older sample."""
    bench.state.can_read_back = can_read_back
    bench.at(1)
    assert bench.answer(STORED, 20.2, 100_500) is None
    bench.at(settle - 0.1)
    assert bench.answer(STORED, 20.2, 100_500) is None
    assert bench.state.value == 21
    bench.at(settle)
    assert bench.settle() is Fate.OVERRIDDEN
    assert bench.state.mask is None
    assert bench.state.value == 20.2


def test_a_stale_poll_then_the_echo(bench: Bench) -> None:
    """The value neither falls back to the stale sample nor counts as overridden."""
    bench.at(0.2)
    assert bench.answer(STORED, 20.2, 100_500) is None
    assert bench.state.value == 21
    bench.at(4)
    assert bench.answer(DIRECT, 21, 101_000) is Fate.CONFIRMED
    bench.at(20)
    assert bench.answer(STORED, 20.3, 100_700) is None
    assert bench.state.value == 21


def test_a_sample_long_after_is_believed_at_once(bench: Bench) -> None:
    """Somebody at the device changed it an hour later."""
    bench.at(3600)
    assert bench.answer(STORED, 24, 3_700_000) is Fate.OVERRIDDEN
    assert bench.state.value == 24


def test_the_echo_comes_before_the_acknowledgement(clock: Clock) -> None:
    """The device is quicker in telling than EnOS in answering."""
    bench = bench_of(clock, point())
    before = bench.state.reading
    bench.at(-1)
    bench.answer(STORED, 21, 101_000)
    bench.at(0)
    assert bench.acknowledge(21, before) is Fate.CONFIRMED
    assert bench.state.value == 21


def test_a_sample_before_the_acknowledgement_does_not_contradict(clock: Clock) -> None:
    """The device took 20 seconds to obey, and sent its sample of every minute meanwhile."""
    bench = bench_of(clock, point())
    before = bench.state.reading
    bench.at(-5)
    bench.answer(STORED, 20.1, 101_000)
    bench.at(0)
    assert bench.acknowledge(21, before) is None
    for seconds in (1, 31, 61):
        bench.at(seconds)
        assert bench.answer(STORED, 20.1, 101_000) is None
        assert bench.state.value == 21
    # It is what a restart has to remember as the reading before the write.
    assert bench.state.mask == Mask(21, Reading(20.1, 101_000), 5000.0)
    assert bench.answer(STORED, 20.4, 161_000) is Fate.OVERRIDDEN


def test_two_writes_in_a_row(bench: Bench) -> None:
    """The first one's echo does not undo the second."""
    bench.at(2)
    before = bench.state.reading
    bench.at(3)
    assert bench.acknowledge(22, before) is None
    assert bench.state.value == 22
    assert bench.answer(DIRECT, 21, 101_000) is None
    assert bench.state.value == 22
    bench.at(32)
    assert bench.settle() is None
    assert bench.answer(DIRECT, 22, 102_000) is Fate.CONFIRMED


def test_there_and_back_again(bench: Bench) -> None:
    """21 and then 20 again: the reading of before is not the echo of the second write."""
    before = bench.state.reading
    bench.at(3)
    assert bench.acknowledge(20, before) is None
    assert bench.answer(DIRECT, 21, 101_000) is None
    assert bench.state.value == 20
    assert bench.answer(DIRECT, 20, 103_000) is Fate.CONFIRMED


def test_the_echo_of_an_earlier_write_confirms_nothing(bench: Bench) -> None:
    """21, 22, 21: the first 21 that is told may be the first write's, with 22 to come."""
    before = bench.state.reading
    for value in (22, 21):
        bench.acknowledge(value, before)
    for time, value in ((101_000, 21), (102_000, 22), (103_000, 21)):
        assert bench.answer(DIRECT, value, time) is None
        assert bench.state.value == 21
    bench.at(30)
    assert bench.settle() is Fate.CONFIRMED


def test_writing_what_is_there_is_no_override_hours_later(clock: Clock) -> None:
    """A device that tells only changes has no sample for it."""
    bench = bench_of(clock, point())
    assert bench.acknowledge(20, bench.state.reading) is None
    bench.at(10)
    assert bench.answer(STORED, 20, 100_000) is None
    bench.at(30)
    assert bench.settle() is Fate.CONFIRMED
    bench.at(7200)
    assert bench.answer(STORED, 24, 7_300_000) is None
    assert bench.state.value == 24


def test_writing_what_is_there_still_hides_a_stale_poll(clock: Clock) -> None:
    """Within the time to settle it is a write like any other."""
    bench = bench_of(clock, point())
    bench.acknowledge(20, bench.state.reading)
    bench.at(0.5)
    assert bench.answer(STORED, 25, 100_500) is None
    assert bench.state.value == 20


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ((STORED, 20, 100_000), (DIRECT, 20, 100_300)),
        ((STORED, "20.0", 100_300), (DIRECT, 20, 100_300)),
        ((STORED, "20", 101_000), (DIRECT, 20.0, 100_700)),
        ((STORED, "20", None), (DIRECT, 20, None)),
    ],
)
def test_the_sample_of_before_in_other_clothes(
    clock: Clock, first: Answer, again: Answer
) -> None:
    """One source rounds to seconds or writes numbers as text: still the same sample."""
    bench = Bench(clock, PointState(point()))
    bench.at(-100)
    bench.answer(*first)
    bench.at(0)
    bench.acknowledge(21, bench.state.reading)
    for seconds in (1, 31, 3600):
        bench.at(seconds)
        assert bench.answer(*again) is None
        assert bench.state.value == 21


@pytest.mark.parametrize(
    ("first", "again"),
    [
        # Another value within the second.
        ((STORED, 20, 100_000), (DIRECT, 20.5, 100_300)),
        # Both have milliseconds, so they are two.
        ((STORED, 20, 100_100), (DIRECT, 20, 100_300)),
        # The next second.
        ((STORED, 20, 100_000), (DIRECT, 20, 101_000)),
        ((STORED, 20, None), (DIRECT, 20, 100_300)),
    ],
)
def test_a_sample_of_its_own(clock: Clock, first: Answer, again: Answer) -> None:
    """It contradicts."""
    bench = Bench(clock, PointState(point()))
    bench.at(-100)
    bench.answer(*first)
    bench.at(0)
    bench.acknowledge(21, bench.state.reading)
    bench.at(31)
    assert bench.answer(*again) is Fate.OVERRIDDEN


def test_a_point_that_was_never_read(clock: Clock) -> None:
    """The written value shows until a first sample speaks."""
    bench = Bench(clock, PointState(point()))
    assert bench.state.value is None
    assert bench.settle() is None
    assert bench.acknowledge(21, None) is None
    bench.at(100)
    assert bench.settle() is None
    assert bench.state.value == 21
    assert bench.answer(STORED, 21, 1000) is Fate.CONFIRMED


def test_without_times(clock: Clock) -> None:
    """Then the value alone tells one sample from the next."""
    bench = Bench(clock, PointState(point()))
    bench.answer(DIRECT, 20, None)
    bench.acknowledge(21, bench.state.reading)
    bench.at(40)
    assert bench.answer(DIRECT, 20, None) is None
    assert bench.state.value == 21
    assert bench.answer(DIRECT, 21, None) is Fate.CONFIRMED


def test_a_clock_set_back_after_a_write(bench: Bench) -> None:
    """The device was restarted by the write, and lost its clock: its echo is believed."""
    bench.at(5)
    assert bench.answer(STORED, 21, 10) is Fate.CONFIRMED
    assert bench.state.reading == Reading(21, 10)


def test_late_replies_do_not_contradict_for_ever(bench: Bench) -> None:
    """A replica that lags tells the sample of before, after the echo came."""
    bench.at(40)
    assert bench.answer(STORED, 21, 101_000) is Fate.CONFIRMED
    bench.acknowledge(22, bench.state.reading)
    bench.at(80)
    assert bench.answer(STORED, 20, 100_000) is None
    assert bench.state.value == 22


# After a restart: the mask is read from disk once the first poll is through.


@pytest.mark.parametrize(
    ("first", "fate", "shown"),
    [
        (None, None, 21),
        ((STORED, 20, 100_000), None, 21),
        ((STORED, "20", 100_000), None, 21),
        ((STORED, 19, 90_000), None, 21),
        ((STORED, 21, 101_000), Fate.CONFIRMED, 21),
        ((STORED, 24, 101_000), Fate.OVERRIDDEN, 24),
    ],
)
def test_restored(
    clock: Clock, first: Answer | None, fate: Fate | None, shown: JsonValue
) -> None:
    """Its time to settle is over; the sample of before still does not count."""
    bench = Bench(clock, PointState(point()))
    if first is not None:
        bench.answer(*first)
    bench.state.restore(Mask(21, Reading(20, 100_000), None))
    assert bench.settle() is fate
    assert bench.state.value == shown
    # And the next sample is judged as ever.
    late = bench.answer(STORED, 25, 200_000)
    assert late is (Fate.OVERRIDDEN if fate is None else None)
    assert bench.state.value == 25


def test_restored_where_nothing_was_known(clock: Clock) -> None:
    """There was no reading before the write: the first one decides."""
    bench = Bench(clock, PointState(point()))
    bench.state.restore(Mask(21, None, None))
    assert bench.settle() is None
    assert bench.state.value == 21
    assert bench.answer(STORED, 24, 1000) is Fate.OVERRIDDEN
    bench.state.restore(Mask(21, None, None))
    assert bench.settle() is Fate.OVERRIDDEN
    assert bench.state.value == 24
