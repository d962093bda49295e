"""What the command line of the training job says about itself, beside its options."""

DESCRIPTION = """\
Train the models of the service on labelled audio. The usual order:

  python -m training fit genre --data DATA     train and measure (prepares what it needs)
  python -m training report genre              draw what the run measured
  python -m training promote genre             write models/genre, if it is not worse than before
  python -m training export genre --out DIR    write the bundle elsewhere
  python -m training evaluate models/genre --data OTHER --json figures.json
  python -m training compare genre --data DATA other features and networks, on one split
  python -m training progressions chord --data DATA --json figures.json   chords over time
  python -m training progressions --songs FOLDER      the same, of your own recordings
  python -m training render --pop909 SONGS --soundfonts FONT --out FOLDER   songs to measure on
  python -m training invariance chord --data DATA --json figures.json     changed recordings
  python -m training outsiders models/chord --data SPEECH --json figures.json
  python -m training ratings emotion --data DATA --json figures.json      energy and valence
  python -m training listen study              the network that genre and emotion hear with

Each command explains itself with --help.
"""

COMPARE_HELP = """\
The systems, each trained on the labels alone:
  mlp on handcrafted                    statistics of a whole clip: MFCC, chroma, contrast, …
  cnn on log_mel, mfcc, stft, chroma    three convolutions
  lstm on log_mel, mfcc                 two recurrent layers
  cnn_lstm on log_mel, mfcc             two convolutions, one recurrent layer
  cnn on pictures                       the spectrogram pictures of GTZAN (genre only)
  transfer on musicnn                   one hidden layer on the pretrained MSD_musicnn
  transfer on listener                  the same on the listener that genre and emotion stand on
  transfer on mn04, both_teachers       the same on what its teachers hear, with --teachers: how
                                        far listening could carry. mn04's weights may not be
                                        shipped; what it says is cached
  linear on musicnn, listener           a linear layer in place of the hidden one, as strict as
                                        groups held out of what it learns from ask for
All of them sit the same exam: artists and albums are dealt to three folds, they learn from two
and are judged on the third (with --folds 3 on each in turn). The pictures have a table of their
own, on the official GTZAN lists. A random split would read higher and is not offered.

  python -m training compare genre --data DATA
  python -m training compare emotion --data DATA --across
  python -m training compare emotion --data DATA --model cnn_lstm --features log_mel mfcc
  python -m training compare genre --data DATA --model transfer --teachers TEACHERS --folds 3

Writes compare.md, compare.json and compare.png into RUN. What RUN holds already is not trained
again and stays in the table, so an interrupted comparison goes on, and systems can be added.
"""

PROGRESSIONS_HELP = """\
With --songs, the bundle hears the recordings of a folder. Beside NAME.wav, NAME.flac, NAME.mp3 …
lies NAME.lab, lines of start, end and chord in Harte's notation, as Isophonics has them, or
NAME.jams. GuitarSet is read as it is published, of its annotations the lead sheets. The table also
tells what BTC, the best of the open systems, is published to reach on recordings new to it, and how
well the key is told, where JAMS files name keys.

  python -m training progressions --songs FOLDER

With --data, a run of fit sits two exams, both
answered as the service would, with a .lab file that mir_eval reads:
  progressions of real guitars: clips of one player and guitar follow each other, 1 to 4 s a
    chord; the network is that of the fold of RUN that never saw their data set
  songs (with --soundfont): guitar, bass and drums written as MIDI and played by the program
    fluidsynth; the network is the final one of RUN. Take a font that was not trained on.

  python -m training progressions chord --data DATA --json progressions.json
  python -m training progressions chord --data DATA --json progressions.json \\
    --soundfont /usr/share/sounds/sf2/TimGM6mb.sf2

Shares of the time that is named right: root, thirds, majmin (major and minor triads, also of
seventh chords) and sevenths (every note). Then overseg, underseg and seg, how well the segments
overlap, and precision, recall and F of the boundaries, hit within 0.1, 0.25 and 0.5 s. All with
95% intervals over guitars or songs.
"""

LEARN_SONGS_HELP = """\
Where a recording holds three roots or more, and one stays where its chord changes, the service
hears it as a song: a second, small network hears five windows of what the chord network said and
has half the say, and of all sequences of chords the most probable one in the key of the song is
taken. Other recordings are answered as before. The network learns from folders of rendered songs
and from as much of made-up ones, the sequences from songs of POP909 that are not held out and from
made-up ones full of sevenths. Measure before you serve it: the gain was too small and uncertain to
ship (training/notes/chords_over_time.md). Do it again after each promote of a chord model, since
the numbers belong to its network.

  python -m training render --pop909 POP909 --out FOLDER --count 56 --soundfonts FONTS
  python -m training learn-songs --pop909 POP909 --songs FOLDER --soundfonts FONTS \\
    --version 2.2.0
"""

RENDER_HELP = """\
A drawn band plays each song: its own accompaniment on other instruments, or chords strummed,
picked, struck or held; bass, drums, a voice or another lead; transposed, in half of the songs
detuned by up to 50 cents, in a fifth of them worn by an amplifier, a room or noise. With
--exact-notes all play the chords, at most with their own accompaniment beside them: that is easier
to name. Beside each recording lies a .jams with its chords, keys and tuning. What is there already
stays, so each way needs a folder of its own.

  python -m training render --pop909 POP909 --held-out --out FOLDER \\
    --soundfonts /usr/share/sounds/sf2/TimGM6mb.sf2
  python -m training progressions --songs FOLDER

Needs the program fluidsynth. POP909 holds folders NNN with NNN.mid and chord_midi.txt.
"""

INVARIANCE_HELP = """\
Clips are sent as they are, 6 dB louder, 6 to 60 dB quieter, as integers in a file of floats, with
an offset, clipped, on one of eight channels, at 16 kHz, as MP3 at 64 kbit/s, with noise at 20 dB,
30 cents higher and lower, and only their first 10, 3 and 0.5 s. Each is judged, with the service's
own functions, by the network of the fold of RUN that never saw its group. Told for each change: the
accuracy, and how many answers are those to the unchanged clip, with 95% intervals over groups.

  python -m training invariance genre --data DATA --count 8 --json invariance.json
"""

OUTSIDERS_HELP = """\
Asks the bundle about rendered noise and hum, and about the recordings of each FOLDER, and counts
the answers that are flagged uncertain or, where it knows them, say N for no chord. Noise and hum
are of the kinds that training renders, so they are no proof of unheard sounds.

  python -m training outsiders models/genre --data SPEECH --joined-s 20 --json figures.json
"""

RATINGS_HELP = """\
Fits a line to what the recipe's pretrained network hears in the clips of mood_annotations.csv, for
each scale of training/scales.py, on all collections but one, and compares what it says of that one
with what listeners said: Pearson's correlation with its 95% interval. A folder without that list
has nothing to rate. fit does the same for the scales of its recipe, and the service answers them.
"""

LISTEN_HELP = """\
Trains one small network that hears what larger ones hear, for genre and emotion to stand on:
  gather    fetch the packages (with --packages) and decode all that can be listened to
  prepare   mix it, and ask the teachers what they hear; several may run beside each other, with
              other parts (--first, --parts) of 400 pieces of 10 s each
  study     train the student; examined after each round on groups that are never studied
  report    what it explains of its teachers, and what an embedding knows of genre and emotion
Every step but gather goes on where it was interrupted.

  python -m training listen gather --data DATA --packages
  python -m training listen prepare --teachers TEACHERS --parts 70
  python -m training listen study --rounds 20
  python -m training listen study --rounds 15 --peak-rate 1.5e-3 --from FINISHED/student.keras
  python -m training listen report --data DATA

TEACHERS holds mn04.onnx and mn04_filter_bank.npz; the other teacher is in the package musicnn.
Without them no student can be trained anew; everything else works with the one that is shipped.
"""

DATA_HELP = """\
DATA is one of
  a CSV with the columns 'file' (relative to the CSV) and 'genre', 'chord', 'emotion';
    'group' (artist, player, guitar), 'dataset' and 'split' are used where they are there
  an .npz with 'mel' (uint8, clips x 128 x 333), 'name' and 'genre'; also 'group', 'split'
  a folder with genre.csv, chord.csv, emotion.csv and gtzan_mel.npz
  features_30_sec.csv or features_3_sec.csv of hand-crafted features (genre_statistics)
  GTZAN as published: genres_original/<genre>/<genre>.NNNNN.wav
  its pictures: images_original/<genre>/<genre>NNNNN.png
  guitar-chords-v3: Training/<chord>/*.wav and Test/<chord>/*.wav
  musical-emotions-classification: Train.csv with an audio file and Happy or Sad
  folders of audio named after their label: <label>/* or, better, <label>/<group>/*
For a task of your own, a CSV with a column of its name, or folders of audio.
Clips that cannot be read are named and skipped.
"""

PREPARE_HELP = """\
Other programs read the data where --format says how:
  csv      features_30_sec.csv and features_3_sec.csv, the columns of Kaggle's GTZAN set: one row a
           clip, and one for each of up to ten pieces of 3 s
  parquet  the same two tables, with data set, group and split as well
  json     data.json: mapping (the labels), and for each piece of 3 s its place in the mapping in
           labels, 13 MFCCs of each frame in mfcc, and files and groups

  python -m training prepare genre --data DATA --format csv --out OUT
"""

PROMOTE_HELP = """\
The new bundle and the one under models/ are compared on the same clips, those that the run held
out: balanced accuracies, and their difference with its 95% interval from a bootstrap that draws
whole groups. Where the old bundle was promoted too, its own held-out answers lie beside it;
otherwise it is asked now, and may have learned from those clips. A lower balanced accuracy is
refused, and so is a bundle in place of one that learn-songs taught. A promoted bundle gets the next
version and a line in models/CHANGELOG.md.
"""

EPILOGS = {
    "promote": PROMOTE_HELP,
    "prepare": f"{PREPARE_HELP}\n{DATA_HELP}",
    "fit": DATA_HELP,
    "evaluate": DATA_HELP,
    "compare": f"{COMPARE_HELP}\n{DATA_HELP}",
    "invariance": f"{INVARIANCE_HELP}\n{DATA_HELP}",
    "listen": LISTEN_HELP,
    "outsiders": OUTSIDERS_HELP,
    "ratings": f"{RATINGS_HELP}\n{DATA_HELP}",
    "render": RENDER_HELP,
    "learn-songs": LEARN_SONGS_HELP,
    "progressions": f"{PROGRESSIONS_HELP}\n{DATA_HELP}",
}
