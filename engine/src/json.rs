//! How paths and bytes look in JSON: `#[serde(with = "…")]` for fields that need not be UTF-8.

/// A path: its text; where it is not UTF-8, its bytes as an array of numbers. Nothing is lost either way.
pub mod path {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Bytes(Vec<u8>),
    }

    impl From<Written> for PathBuf {
        fn from(written: Written) -> Self {
            match written {
                Written::Text(text) => text.into(),
                Written::Bytes(bytes) => OsString::from_vec(bytes).into(),
            }
        }
    }

    /// Writes it.
    pub fn serialize<S: Serializer>(path: &Path, out: S) -> Result<S::Ok, S::Error> {
        match path.to_str() {
            Some(text) => out.serialize_str(text),
            None => out.collect_seq(path.as_os_str().as_bytes()),
        }
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Ok(Written::deserialize(from)?.into())
    }

    /// The same for a path that may be missing.
    pub mod option {
        use super::{Deserialize, Deserializer, Path, PathBuf, Serializer, Written};

        /// Writes it.
        pub fn serialize<S: Serializer>(path: &Option<PathBuf>, out: S) -> Result<S::Ok, S::Error> {
            match path.as_deref() {
                Some(path) => super::serialize(Path::new(path), out),
                None => out.serialize_none(),
            }
        }

        /// Reads it.
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
            Ok(Option::<Written>::deserialize(from)?.map(Into::into))
        }
    }
}

/// Bytes as base64.
pub mod base64 {
    use base64_simd::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes them.
    pub fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&STANDARD.encode_to_string(bytes))
    }

    /// Reads them.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        decode(&String::deserialize(from)?)
    }

    fn decode<E: Error>(text: &str) -> Result<Vec<u8>, E> {
        STANDARD.decode_to_vec(text).map_err(|_| E::custom("not base64"))
    }

    /// The same for a list.
    pub mod list {
        use super::{Deserialize, Deserializer, STANDARD, Serializer, decode};

        /// Writes them.
        pub fn serialize<S: Serializer>(list: &[Vec<u8>], out: S) -> Result<S::Ok, S::Error> {
            out.collect_seq(list.iter().map(|bytes| STANDARD.encode_to_string(bytes)))
        }

        /// Reads them.
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Vec<u8>>, D::Error> {
            Vec::<String>::deserialize(from)?.iter().map(|text| decode(text)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::command::Command;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn a_path_that_is_not_utf_8_comes_through() {
        let odd = OsString::from_vec(b"/var/\xff.log".to_vec());
        for path in [None, Some("/var/log/x".into()), Some(odd.into())] {
            let command = Command::ResetOffsets { flow: "web".into(), path };
            let text = serde_json::to_string(&command).unwrap();
            assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command, "{text}");
        }
    }

    #[test]
    fn records_travel_as_base64() {
        let command = Command::Resend { flow: "web".into(), records: vec![b"\x00\xff".to_vec(), Vec::new()] };
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(text, r#"{"command":"resend","flow":"web","records":["AP8=",""]}"#);
        assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command);
        assert!(serde_json::from_str::<Command>(&text.replace("AP8=", "?")).is_err());
    }
}
