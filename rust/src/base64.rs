//! Base64 of bytes fields: printed in the standard alphabet with padding; read in both alphabets, with padding or without.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOREIGN: u8 = 0xff;
const VALUES: [u8; 256] = {
    let mut values = [FOREIGN; 256];
    let mut index = 0;
    while index < 64 {
        values[STANDARD[index] as usize] = index as u8;
        index += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

/// Append the text of `bytes`.
pub(crate) fn encode(out: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |bits: u32| STANDARD[(bits & 63) as usize];
    for group in bytes.chunks(3) {
        let bits = match *group {
            [a, b, c] => u32::from_be_bytes([0, a, b, c]),
            [a, b] => u32::from_be_bytes([0, a, b, 0]),
            [a] => u32::from_be_bytes([0, a, 0, 0]),
            _ => 0,
        };
        let mut text = [digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)];
        text[group.len() + 1..].fill(b'=');
        out.extend_from_slice(&text);
    }
}

/// Append the bytes of `text`, or tell what is wrong with it.
pub(crate) fn decode(out: &mut Vec<u8>, text: &[u8]) -> Result<(), &'static str> {
    let padding = text.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let text = &text[..text.len() - padding];
    let quads = text.chunks_exact(4);
    let last = quads.remainder();
    for quad in quads {
        let digits = [quad[0], quad[1], quad[2], quad[3]].map(|byte| VALUES[usize::from(byte)]);
        if digits.contains(&FOREIGN) {
            return Err("a character that is not base64");
        }
        let bits = digits.iter().fold(0u32, |bits, &digit| bits << 6 | u32::from(digit));
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    if last.iter().any(|&byte| VALUES[usize::from(byte)] == FOREIGN) {
        return Err("a character that is not base64");
    }
    let bits = last.iter().fold(0u32, |bits, &byte| bits << 6 | u32::from(VALUES[usize::from(byte)]));
    match last.len() {
        0 => Ok(()),
        // Bits that belong to no byte are dropped: the official conformance suite wants "-_" read.
        2 => {
            out.push((bits >> 4) as u8);
            Ok(())
        }
        3 => {
            out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]);
            Ok(())
        }
        _ => Err("one character too many or too few"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for length in 0..20usize {
            let bytes: Vec<u8> = (0..length).map(|index| (index * 83 + 251) as u8).collect();
            let mut text = Vec::new();
            encode(&mut text, &bytes);
            assert_eq!(text.len(), length.div_ceil(3) * 4);
            let url: Vec<u8> = text
                .iter()
                .map(|byte| match byte {
                    b'+' => b'-',
                    b'/' => b'_',
                    other => *other,
                })
                .collect();
            let bare: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'=').collect();
            for form in [text, url, bare] {
                let mut back = Vec::new();
                assert_eq!(decode(&mut back, &form), Ok(()));
                assert_eq!(back, bytes);
            }
        }
    }

    #[test]
    fn bits_of_no_byte_are_dropped() {
        for (text, byte) in [("-_", 0xfb), ("YR==", b'a')] {
            let mut back = Vec::new();
            assert_eq!(decode(&mut back, text.as_bytes()), Ok(()));
            assert_eq!(back, [byte]);
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for text in ["a", "a*b=", "YQ =", "YWE=YWE=", "YWJjZ", "====", "\u{e9}AAA"] {
            assert!(decode(&mut Vec::new(), text.as_bytes()).is_err(), "{text}");
        }
    }
}
