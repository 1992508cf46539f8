//! Kinesis' bodies and limits.

use super::*;
use base64_simd::STANDARD;
use serde_json::Value;

/// A stream of a flow with such settings.
fn stream(name: &str, max_record: u64, key: PartitionKey, wire: Wire) -> Kinesis {
    let to = crate::settings::Destination::Kinesis { stream: name.into() };
    Kinesis::new(name, &Flow { max_record, partition_key: key, wire, ..Flow::new("flow", Vec::new(), to) })
}

/// A body of these records, and whether each got a newline.
fn body(kinesis: &Kinesis, records: &[(Vec<u8>, bool, String)]) -> Vec<u8> {
    let mut body = Vec::new();
    kinesis.begin(&mut body);
    for (index, (data, newline, key)) in records.iter().enumerate() {
        if index > 0 {
            body.extend_from_slice(kinesis.separator());
        }
        kinesis.record(&mut body, data, *newline, key);
    }
    kinesis.finish(&mut body, records.len() as u32);
    body
}

fn random_record(rng: &mut fastrand::Rng) -> (Vec<u8>, bool, String) {
    let data = (0..rng.usize(..300)).map(|_| rng.u8(..)).collect();
    let key = (0..rng.usize(1..257))
        .map(|_| *rng.choice(&['a', '"', '\\', '\u{1}', '\n', 'é', '😀', '\u{7f}', '/']).expect("not empty"))
        .collect();
    (data, rng.bool(), key)
}

#[test]
fn every_record_and_key_comes_back_out_of_json() {
    let mut rng = fastrand::Rng::with_seed(1);
    let kinesis = stream("clicks", MIB, PartitionKey::File, Wire::Json);
    for _ in 0..300 {
        let records: Vec<_> = (0..rng.usize(1..6)).map(|_| random_record(&mut rng)).collect();
        let parsed: Value = serde_json::from_slice(&body(&kinesis, &records)).expect("valid JSON");
        assert_eq!(parsed["StreamName"], "clicks");
        let entries = parsed["Records"].as_array().expect("an array");
        assert_eq!(entries.len(), records.len());
        for (entry, (data, newline, key)) in entries.iter().zip(&records) {
            let mut expected = data.clone();
            if *newline {
                expected.push(b'\n');
            }
            let sent = entry["Data"].as_str().expect("a string");
            assert_eq!(STANDARD.decode_to_vec(sent).expect("valid base64"), expected);
            assert_eq!(entry["PartitionKey"], **key);
        }
    }
}

#[test]
fn a_body_is_never_larger_than_its_bounds() {
    let mut rng = fastrand::Rng::with_seed(2);
    for (key_kind, plain) in [(PartitionKey::File, false), (PartitionKey::Random, true)] {
        let wire = |wire| stream("a \"quoted\" stream", MIB, key_kind.clone(), wire);
        for kinesis in [wire(Wire::Json), wire(Wire::Auto)].iter().cycle().take(4_000) {
            let (data, newline, mut key) = random_record(&mut rng);
            if plain {
                key = format!("{:016x}", rng.u64(..));
            }
            let bound = kinesis.wire_bound(data.len() as u64, key.len() as u64) as usize;
            let mut record = Vec::new();
            kinesis.record(&mut record, &data, newline, &key);
            assert!(record.len() <= bound, "{} > {bound}", record.len());
            let whole = body(kinesis, &[(data, newline, key)]).len();
            assert_eq!(whole, record.len() + kinesis.overhead() as usize);
        }
    }
}

#[test]
fn an_arn_goes_as_arn() {
    let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks";
    let kinesis = stream(arn, MIB, PartitionKey::Random, Wire::Json);
    let body = body(&kinesis, &[(b"x".to_vec(), false, "k".into())]);
    let text = String::from_utf8(body).expect("text");
    assert_eq!(text, format!(r#"{{"Records":[{{"Data":"eA==","PartitionKey":"k"}}],"StreamARN":"{arn}"}}"#));
    assert_eq!(kinesis.describe(), "stream clicks");
}

#[test]
fn a_stream_set_to_large_records_takes_one_alone() {
    let limits = |max_record| stream("s", max_record, PartitionKey::Random, Wire::Json).limits();
    assert_eq!(limits(MIB), Limits { records: 500, bytes: 5 * MIB, record: MIB });
    assert_eq!(limits(10 * MIB), Limits { records: 500, bytes: 10 * MIB, record: 10 * MIB });
    assert_eq!(limits(99 * MIB).record, 10 * MIB);
    let kinesis = stream("s", MIB, PartitionKey::Random, Wire::Json);
    assert_eq!(kinesis.weight(1000, 16), 1016);
}

#[test]
fn cbor_says_what_json_says() {
    let mut rng = fastrand::Rng::with_seed(3);
    let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks";
    for name in ["clicks", arn] {
        let of = |wire| stream(name, MIB, PartitionKey::File, wire);
        for _ in 0..200 {
            let records: Vec<_> = (0..rng.usize(1..6)).map(|_| random_record(&mut rng)).collect();
            let cbor = body(&of(Wire::Auto), &records);
            assert!(aws::is_cbor(&cbor) && !aws::is_cbor(&body(&of(Wire::Json), &records)));
            let json = as_json(&cbor).expect("our own CBOR");
            assert_eq!(json, body(&of(Wire::Json), &records));
            for end in 0..cbor.len() {
                assert_eq!(as_json(&cbor[..end]), None);
            }
        }
    }
}

#[test]
fn a_record_is_found_in_what_was_encoded() {
    let mut rng = fastrand::Rng::with_seed(4);
    for wire in [Wire::Auto, Wire::Json] {
        let kinesis = stream("clicks", MIB, PartitionKey::File, wire);
        for _ in 0..100 {
            let (mut data, newline, key) = random_record(&mut rng);
            let mut encoded = Vec::new();
            kinesis.record(&mut encoded, &data, newline, &key);
            data.extend(newline.then_some(b'\n'));
            assert_eq!((kinesis.data(&encoded), kinesis.key(&encoded)), (data, key));
        }
    }
}

#[test]
fn lines_of_200_bytes_take_no_more_than_a_fifth_more() {
    let kinesis = stream("clicks", MIB, PartitionKey::Random, Wire::Auto);
    let records = vec![(vec![b'x'; 200], false, "0123456789abcdef".to_owned()); 500];
    assert!(body(&kinesis, &records).len() <= 500 * 240);
}
