//! Only few files have a decoder in memory.

use super::*;

fn five(text: &[u8]) -> Vec<Opened> {
    let live = Arc::default();
    let bytes = compress(Codec::Gzip, text);
    (0..5).map(|_| Opened::among(Codec::Gzip, &bytes, &live)).collect()
}

#[test]
fn the_longest_unused_decoder_is_given_up_for_the_fifth() {
    let text = log(10_000);
    let files = five(&text);
    let decoding = || files.iter().map(|file| file.decoded().is_some()).collect::<Vec<_>>();
    for file in &files[..4] {
        assert!(file.read(10, 100) == text[10..110]);
    }
    assert_eq!(decoding(), [true, true, true, true, false]);
    files[0].read(0, 1);
    files[4].read(0, 1);
    assert_eq!(decoding(), [true, false, true, true, true]);
    assert!(files[1].read(110, 100) == text[110..210], "it is made again");
    assert_eq!(decoding(), [true, true, false, true, true]);
}

#[test]
fn a_size_outlives_the_decoder_that_measured_it() {
    let files = five(&log(10_000));
    for file in &files {
        file.measure();
    }
    assert_eq!(files[0].decoded(), None);
    assert_eq!(files[0].chunk(0, 1).meta.size, 10_000);
}

#[test]
fn a_decoder_at_work_is_not_given_up() {
    let mut files = five(&log(10_000));
    let last = files.pop().unwrap();
    for file in &files {
        file.read(0, 1);
    }
    let busy = files[0].plain.state.lock().unwrap();
    last.read(0, 1);
    drop(busy);
    assert!(files[0].decoded().is_some());
    assert_eq!(files[1].decoded(), None);
}

#[test]
fn closed_files_make_room() {
    let mut files = five(&log(10_000));
    let last = files.pop().unwrap();
    for file in &files {
        file.read(0, 1);
    }
    files.remove(2);
    last.read(0, 1);
    assert!(files.iter().all(|file| file.decoded().is_some()));
}
