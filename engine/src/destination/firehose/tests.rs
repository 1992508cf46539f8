//! Firehose's bodies and limits.

use super::*;
use base64_simd::STANDARD;
use serde_json::Value;

#[test]
fn every_record_comes_back_out_of_the_body_and_the_bounds_hold() {
    let mut rng = fastrand::Rng::with_seed(1);
    let firehose = Firehose::new("logs", None);
    for _ in 0..500 {
        let mut body = Vec::new();
        let (mut bound, mut expected) = (firehose.overhead(), Vec::new());
        firehose.begin(&mut body);
        let count = rng.u32(1..6);
        for index in 0..count {
            let mut data: Vec<u8> = (0..rng.usize(..300)).map(|_| rng.u8(..)).collect();
            let newline = rng.bool();
            if index > 0 {
                body.extend_from_slice(firehose.separator());
                bound += 1;
            }
            firehose.record(&mut body, &data, newline, "");
            bound += firehose.wire_bound(data.len() as u64, 0);
            let weight = firehose.weight(data.len() as u64, 0);
            if newline {
                data.push(b'\n');
            }
            assert!(weight >= data.len() as u64);
            expected.push(data);
        }
        firehose.finish(&mut body, count);
        assert!(body.len() as u64 <= bound);
        let parsed: Value = serde_json::from_slice(&body).expect("valid JSON");
        assert_eq!(parsed["DeliveryStreamName"], "logs");
        let sent: Vec<Vec<u8>> = parsed["Records"]
            .as_array()
            .expect("an array")
            .iter()
            .map(|entry| STANDARD.decode_to_vec(entry["Data"].as_str().expect("a string")).expect("base64"))
            .collect();
        assert_eq!(sent, expected);
    }
}

#[test]
fn batches_wait_because_the_quota_is_shared_and_records_are_concatenated() {
    let firehose = Firehose::new("logs", None);
    assert!(!firehose.prompt() && firehose.concatenates() && !firehose.keyed());
    assert_eq!(firehose.limits().record, 1_024_000);
    assert_eq!(firehose.describe(), "delivery stream logs");
}
