//! Trees held against the definition, and proofs that somebody bent.

use alloy::primitives::{B256, b256, hex};
use sha2::{Digest as _, Sha256};

use super::*;

/// Sizes at which trees change their shape, and those beside them.
const SIZES: [u64; 19] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65];

fn leaf(number: u64) -> B256 {
    leaf_hash(format!("entry {number}").as_bytes())
}

/// RFC 6962, 2.1, word by word.
fn defined(leaves: &[B256]) -> B256 {
    match leaves {
        [] => B256::from_slice(&Sha256::digest(b"")),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(1 << (more.len() - 1).ilog2());
            let node = [&[1][..], defined(left).as_slice(), defined(right).as_slice()].concat();
            B256::from_slice(&Sha256::digest(node))
        }
    }
}

/// A log of `size` entries: its nodes, and its root.
fn log(size: u64) -> Result<(Vec<(u64, B256)>, B256), ProofError> {
    let (mut growth, mut nodes) = (Growth::default(), Vec::new());
    for number in 0..size {
        nodes.extend(growth.push(leaf(number))?);
    }
    Ok((nodes, growth.root()?))
}

/// Asks until the answer is there, with no more nodes than it takes.
fn ask<T>(
    nodes: &[(u64, B256)],
    question: impl Fn(&Nodes) -> Result<Step<T>, ProofError>,
) -> Result<T, ProofError> {
    let mut known = Nodes::default();
    for _ in 0..2 {
        match question(&known)? {
            Step::Done(answer) => return Ok(answer),
            Step::Needs(positions) => {
                assert!(positions.len() <= 2 * MAX_PATH, "{positions:?}");
                known.add(nodes.iter().copied().filter(|(position, _)| positions.contains(position)));
            }
        }
    }
    Err(ProofError::Apart)
}

#[test]
fn roots_are_those_of_certificate_transparency() -> Result<(), ProofError> {
    let leaves: [&[u8]; 8] = [
        &[],
        &hex!("00"),
        &hex!("10"),
        &hex!("2021"),
        &hex!("3031"),
        &hex!("40414243"),
        &hex!("5051525354555657"),
        &hex!("606162636465666768696a6b6c6d6e6f"),
    ];
    let mut growth = Growth::default();
    assert_eq!(growth.root()?, EMPTY_ROOT);
    for (bytes, root) in leaves.into_iter().zip([
        b256!("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        b256!("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        b256!("aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        b256!("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        b256!("4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        b256!("76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        b256!("ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        b256!("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ]) {
        growth.push(leaf_hash(bytes))?;
        assert_eq!(growth.root()?, root, "of {} leaves", growth.size());
    }
    Ok(())
}

#[test]
fn a_tree_grows_as_it_is_defined_and_goes_on_from_its_edge() -> Result<(), ProofError> {
    for size in SIZES {
        let leaves: Vec<B256> = (0..size).map(leaf).collect();
        let (nodes, root) = log(size)?;
        assert_eq!(root, defined(&leaves), "{size}");
        let positions: Vec<u64> = nodes.iter().map(|(position, _)| *position).collect();
        assert_eq!(positions, (0..node_count(size)).collect::<Vec<_>>(), "each has one place, without a gap");
        let edge = Growth::edge_of(size);
        let of_edge = || nodes.iter().copied().filter(|(position, _)| edge.contains(position));
        let mut on = Growth::from(size, of_edge())?;
        on.push(leaf(size))?;
        assert_eq!(on.root()?, log(size + 1)?.1);
        for missing in &edge {
            let rest = of_edge().filter(|(position, _)| position != missing);
            assert_eq!(Growth::from(size, rest).err(), Some(ProofError::Node(*missing)));
        }
    }
    Ok(())
}

#[test]
fn an_entry_is_proven_where_it_is_and_nowhere_else() -> Result<(), ProofError> {
    for size in SIZES {
        let (nodes, root) = log(size)?;
        for number in 0..size {
            let proof = ask(&nodes, |nodes| nodes.inclusion(number, size))?;
            proof.check(leaf(number), root)?;
            let refused = |proof: &Inclusion, leaf, root| {
                assert!(proof.check(leaf, root).is_err(), "{number} of {size}: {proof:?}");
            };
            refused(&proof, leaf(number + 1), root);
            refused(&proof, leaf(number), B256::repeat_byte(1));
            refused(&Inclusion { number: number + 1, ..proof.clone() }, leaf(number), root);
            if let Some(before) = number.checked_sub(1) {
                refused(&Inclusion { number: before, ..proof.clone() }, leaf(number), root);
            }
            for at in 0..proof.path.len() {
                let mut bent = proof.clone();
                bent.path[at].0[31] ^= 1;
                refused(&bent, leaf(number), root);
                let mut short = proof.clone();
                short.path.remove(at);
                refused(&short, leaf(number), root);
            }
            let mut long = proof.clone();
            long.path.push(B256::ZERO);
            refused(&long, leaf(number), root);
            long.path.resize(MAX_PATH + 1, B256::ZERO);
            refused(&long, leaf(number), root);
        }
        let outside = Nodes::default().inclusion(size, size).err();
        assert_eq!(outside, Some(ProofError::OutOfRange { what: "an entry", size, got: size }));
    }
    Ok(())
}

#[test]
fn a_log_is_proven_to_begin_with_what_it_was_and_with_nothing_else() -> Result<(), ProofError> {
    for size in SIZES {
        let (nodes, root) = log(size)?;
        for from in 0..=size {
            let earlier = log(from)?.1;
            let proof = ask(&nodes, |nodes| nodes.consistency(from, size))?;
            proof.check(earlier, root)?;
            let refused = |proof: &Consistency, earlier, root| {
                assert!(proof.check(earlier, root).is_err(), "{from} to {size}: {proof:?}");
            };
            refused(&proof, B256::repeat_byte(1), root);
            if from != 0 {
                // Every log begins with nothing, so from nothing there is no root to miss.
                refused(&proof, earlier, B256::repeat_byte(1));
                refused(&Consistency { from: from - 1, ..proof.clone() }, earlier, root);
            }
            if from != size {
                refused(&Consistency { from: from + 1, ..proof.clone() }, earlier, root);
            }
            for at in 0..proof.path.len() {
                let mut bent = proof.clone();
                bent.path[at].0[0] ^= 0x80;
                refused(&bent, earlier, root);
                let mut short = proof.clone();
                short.path.remove(at);
                refused(&short, earlier, root);
            }
            let mut long = proof.clone();
            long.path.push(B256::ZERO);
            refused(&long, earlier, root);
        }
        assert!(Nodes::default().consistency(size + 1, size).is_err());
    }
    Ok(())
}

#[test]
fn another_history_of_the_same_length_is_not_consistent() -> Result<(), ProofError> {
    for size in SIZES.into_iter().filter(|size| *size > 1) {
        let honest: Vec<B256> = (0..size).map(leaf).collect();
        let earlier = defined(&honest[..honest.len() - 1]);
        for changed in 0..honest.len() - 1 {
            let mut forged = honest.clone();
            forged[changed] = leaf_hash(b"rewritten");
            let (mut growth, mut nodes) = (Growth::default(), Vec::new());
            for leaf in &forged {
                nodes.extend(growth.push(*leaf)?);
            }
            let proof = ask(&nodes, |nodes| nodes.consistency(size - 1, size))?;
            assert_eq!(proof.check(earlier, growth.root()?), Err(ProofError::Apart), "{changed} of {size}");
        }
    }
    Ok(())
}

#[test]
fn sizes_beyond_all_reason_are_refused_and_no_panic() {
    let path = vec![B256::ZERO; MAX_PATH];
    for size in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) + 1] {
        let inclusion = Inclusion { number: size - 1, size, path: path.clone() };
        assert!(inclusion.check(B256::ZERO, B256::ZERO).is_err());
        let consistency = Consistency { from: size / 2, size, path: path.clone() };
        assert!(consistency.check(B256::ZERO, B256::ZERO).is_err());
        assert!(Nodes::default().root(size).is_err());
        assert!(Nodes::default().inclusion(0, size).is_err());
        assert!(Nodes::default().consistency(1, size).is_err());
    }
}
