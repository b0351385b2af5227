"""Walker constellations: the patterns as Walker defined them, and the codes they are written in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyhaul.errors import ElementsError
from skyhaul.orbits import Constellation, Elements, Walker, altitude_km, parse_walker, walker_elements

EPOCH = np.datetime64("2026-01-01T00:00:12", "ns")


def elements_of(code: str) -> Elements:
    return walker_elements(parse_walker(code), EPOCH)


def latitude_argument_deg(elements: Elements) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Angle along each orbit from its ascending node."""
    return np.mod(elements.argument_of_perigee_deg + elements.mean_anomaly_deg, 360.0)


SHELLS = st.builds(
    lambda pattern, altitude, inclination, planes, in_plane, phasing, anomaly: Walker(
        pattern, altitude, inclination, planes * in_plane, planes, phasing % planes, anomaly
    ),
    st.sampled_from(["delta", "star"]),
    st.floats(100.0, 36_000.0),
    st.floats(0.0, 180.0),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(0, 29),
    st.floats(0.0, 360.0),
)


class TestPattern:
    def test_the_example_of_walkers_paper(self) -> None:
        # Walker, "Satellite constellations", JBIS 37, 1984: 15/5/1 has 3 satellites in each of 5 planes, nodes 72°
        # apart, and pattern units of 360/15 = 24°: in the next plane to the east satellites are one unit further on.
        elements = elements_of("D:1000:60:15/5/1")
        assert elements.plane.tolist() == [plane for plane in range(5) for _ in range(3)]
        assert elements.raan_deg.tolist() == [72.0 * plane for plane in range(5) for _ in range(3)]
        expected = [120.0 * index + 24.0 * plane for plane in range(5) for index in range(3)]
        assert latitude_argument_deg(elements).tolist() == pytest.approx(expected)

    def test_a_star_spreads_its_nodes_over_half_a_turn(self) -> None:
        elements = elements_of("S:780:86.4:66/6/3")
        assert sorted(set(elements.raan_deg.tolist())) == [0.0, 30.0, 60.0, 90.0, 120.0, 150.0]
        spacing = 360.0 / 11
        second = latitude_argument_deg(elements)[elements.plane == 1]
        assert second[0] == pytest.approx(spacing / 2)  # phasing 3 of 66: half a spacing

    @settings(max_examples=60, deadline=None)
    @given(SHELLS)
    def test_every_shell_is_even(self, shell: Walker) -> None:
        elements = walker_elements([shell], EPOCH)
        assert len(elements) == shell.satellites
        in_plane = shell.satellites // shell.planes
        along = latitude_argument_deg(elements)
        for plane in range(shell.planes):
            members = np.flatnonzero(elements.plane == plane)
            assert elements.index_in_plane[members].tolist() == list(range(in_plane))
            assert len(set(elements.raan_deg[members])) == 1
            steps = np.diff(along[members], append=along[members[0]])
            assert np.abs(np.mod(steps - 360.0 / in_plane + 180.0, 360.0) - 180.0).max() < 1e-9
        nodes = elements.raan_deg[::in_plane]
        spread = 360.0 if shell.pattern == "delta" else 180.0
        assert nodes == pytest.approx(np.arange(shell.planes) * spread / shell.planes)
        assert (np.abs(elements.inclination_deg - shell.inclination_deg) == 0.0).all()

    @settings(max_examples=60, deadline=None)
    @given(SHELLS.filter(lambda shell: shell.pattern == "delta"))
    def test_the_phasing_of_a_delta_closes_on_itself(self, shell: Walker) -> None:
        # From the last plane to the first it is the same step as everywhere: the pattern has no seam.
        in_plane = shell.satellites // shell.planes
        along = latitude_argument_deg(walker_elements([shell], EPOCH)).reshape(shell.planes, in_plane)
        step = 360.0 * shell.phasing / shell.satellites
        last_to_first = np.mod(along[0] - along[-1][:, None] - step, 360.0 / in_plane)
        assert np.minimum(last_to_first, 360.0 / in_plane - last_to_first).max() < 1e-9

    def test_the_first_satellite_starts_at_its_mean_anomaly(self) -> None:
        assert latitude_argument_deg(elements_of("D:560:97.6:172/4/1:4.5"))[0] == 4.5
        assert latitude_argument_deg(elements_of("D:560:97.6:172/4/1:360"))[0] == 0.0

    def test_a_stagger_shifts_every_second_plane(self) -> None:
        elements = walker_elements([Walker("delta", 550.0, 53.0, 40, 4, stagger=0.5)], EPOCH)
        assert latitude_argument_deg(elements)[elements.index_in_plane == 0].tolist() == [0.0, 18.0, 0.0, 18.0]


class TestShells:
    def test_satellites_are_numbered_and_named_through_all_shells(self) -> None:
        elements = walker_elements(
            [*parse_walker("D:550:53:6/3/1+S:1200:87.9:4/2/1"), Walker("star", 780.0, 86.4, 2, 1, name="iridium")],
            EPOCH,
        )
        assert elements.catalog_number.tolist() == list(range(1, 13))
        assert elements.shell.tolist() == [0] * 6 + [1] * 4 + [2] * 2
        assert len(set(elements.name)) == 12
        assert elements.name[1] == "s1-p00-n01"
        assert elements.name[6] == "s2-p00-n00"
        assert elements.name[11] == "iridium-p00-n01"
        assert (elements.epoch == EPOCH).all()
        assert not elements.bstar_per_er.any()

    @pytest.mark.parametrize(
        "code",
        [
            "D:550:53.0:1584/72/39",
            "S:1200:87.9:588/12/11",
            "D:340:33:28/28/13",
            "D:560:97.6:348/6/1",
            "D:2000:0:10/1/0",
        ],
    )
    def test_propagated_altitudes_stay_near_the_nominal_one(self, code: str) -> None:
        (shell,) = parse_walker(code)
        constellation = Constellation(elements_of(code))
        times = EPOCH + np.arange(0, 7_200, 300).astype("timedelta64[s]")
        position_km, _, error = constellation.teme(times)
        assert not error.any()
        height = np.linalg.norm(position_km, axis=1) - 6378.135
        # Low over the equator J2 takes 1.5 J2 R^2 / a = 10 km off; polar orbits are moved by J3 / 2 J2 R = 7.5 km, and
        # by J2 less than over the equator.
        assert np.abs(height - shell.altitude_km).max() < 11.0

    def test_the_mean_motion_of_a_source_wins_over_the_altitude(self) -> None:
        (motion,) = set(
            walker_elements([Walker("delta", 550.0, 53.0, 4, 2, mean_motion_rev_day=15.19)], EPOCH).mean_motion_rev_day
        )
        assert motion == 15.19

    def test_none_is_an_error(self) -> None:
        with pytest.raises(ElementsError, match="no shells"):
            walker_elements([], EPOCH)

    def test_the_same_code_gives_the_same_bytes(self) -> None:
        one, other = (elements_of("D:550:53.0:1584/72/39+S:780:86.4:66/6/3") for _ in range(2))
        assert one.mean_anomaly_deg.tobytes() == other.mean_anomaly_deg.tobytes()
        assert one.mean_motion_rev_day.tobytes() == other.mean_motion_rev_day.tobytes()


class TestCodes:
    @pytest.mark.parametrize(
        ("code", "shell"),
        # The examples of draft-piraux-space-constellation-code, table 1.
        [
            ("S:780:86.4:66/6/1", Walker("star", 780.0, 86.4, 66, 6, 1)),
            ("S:1200:87.9:672/12/11", Walker("star", 1200.0, 87.9, 672, 12, 11)),
            ("D:550:53:1584/72/39", Walker("delta", 550.0, 53.0, 1584, 72, 39)),
            ("D:20180:55:24/6/1", Walker("delta", 20_180.0, 55.0, 24, 6, 1)),
        ],
    )
    def test_of_the_draft(self, code: str, shell: Walker) -> None:
        assert parse_walker(code) == (shell,)
        assert shell.code == code

    def test_several_shells_blanks_small_letters_and_an_anomaly(self) -> None:
        assert parse_walker(" d:550:53.0:20/4/1 + S:780.5:86.4:66/6/1:12.25") == (
            Walker("delta", 550.0, 53.0, 20, 4, 1),
            Walker("star", 780.5, 86.4, 66, 6, 1, 12.25),
        )

    def test_of_walker_with_an_altitude(self) -> None:
        assert parse_walker("53:1584/72/17@550") == parse_walker("D:550:53:1584/72/17")

    @settings(max_examples=100, deadline=None)
    @given(st.lists(SHELLS, min_size=1, max_size=4))
    def test_what_is_written_is_read_back(self, shells: list[Walker]) -> None:
        assert parse_walker("+".join(shell.code for shell in shells)) == tuple(shells)

    @pytest.mark.parametrize(
        "code",
        [
            "",
            "D",
            "X:550:53:20/4/1",
            "D:550:53:20/4",
            "D:550:53:20/4/1:",
            "D:550:53:20/4/1+",
            "+D:550:53:20/4/1",
            "D:550:53:20/4/1:1:1",
            "D:-550:53:20/4/1",
            "D:5e2:53:20/4/1",
            "D:550.:53:20/4/1",
            "D:550:53:2 0/4/1",
            "D:550:53:20/4/1.5",
            "53:20/4/1",  # an altitude must be said
            "53:20/4/1@",
            "D:٥٥٠:53:20/4/1",
            "D:550:53:" + "9" * 5_000 + "/1/0",
        ],
    )
    def test_that_are_none_are_refused(self, code: str) -> None:
        with pytest.raises(ElementsError, match="is not a Walker shell") as caught:
            parse_walker(code)
        assert "D:550:53.0:1584/72/39" in caught.value.mend

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            ("D:550:53:21/4/1", "21 satellites cannot be spread over 4 planes evenly"),
            ("D:550:53:0/4/1", "0 satellites cannot be spread"),
            ("D:550:53:20/0/0", "20 satellites cannot be spread over 0 planes"),
            ("D:550:53:20/4/4", "phasing 4 of 4 planes"),
            ("D:550:180.5:20/4/1", "inclination 180.5°"),
            ("D:99:53:20/4/1", "altitude 99.0 km"),
            ("D:36001:53:20/4/1", "altitude 36001.0 km"),
            ("D:550:53:20/4/1:360.1", "mean anomaly 360.1°"),
            ("D:550:53:999999999/1/0", "999999999 satellites in a shell"),
            (f"D:{'9' * 400}:53:20/4/1", "altitude inf km"),
        ],
    )
    def test_that_mean_no_shell_are_refused(self, code: str, words: str) -> None:
        with pytest.raises(ElementsError, match=words) as caught:
            parse_walker(code)
        assert caught.value.mend

    def test_patterns_and_motions_are_checked_too(self) -> None:
        with pytest.raises(ElementsError, match="pattern 'rosette'"):
            Walker("rosette", 550.0, 53.0, 20, 4)
        for motion in (0.0, float("nan"), 20.0):
            with pytest.raises(ElementsError, match="mean motion"):
                Walker("delta", 550.0, 53.0, 20, 4, mean_motion_rev_day=motion)


def test_a_shell_of_code_has_the_altitude_it_names() -> None:
    elements = elements_of("D:547.6:53.05:1440/72/39")
    height = altitude_km(elements.mean_motion_rev_day, elements.eccentricity, elements.inclination_deg)
    assert np.abs(height - 547.6).max() < 1e-8
