import mido

from training.synthesis.midi import append_notes


def test_notes_come_in_order_and_end_before_the_same_pitch_sounds_again() -> None:
    track = mido.MidiTrack()

    end = append_notes(track, 3, [(10, 30, 60, 90), (0, 10, 60, 80), (5, 12, 64, 70)])

    assert end == 30
    assert {message.channel for message in track} == {3}
    assert [(m.type, m.note, m.time) for m in track] == [
        ("note_on", 60, 0),
        ("note_on", 64, 5),
        ("note_off", 60, 5),
        ("note_on", 60, 0),
        ("note_off", 64, 2),
        ("note_off", 60, 18),
    ]
    assert [m.velocity for m in track if m.type == "note_on"] == [80, 70, 90]


def test_a_note_of_no_length_is_left_out() -> None:
    track = mido.MidiTrack()

    assert append_notes(track, 0, [(7, 7, 60, 90)]) == 0
    assert not track
