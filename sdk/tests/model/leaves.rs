//! Every leaf of a decision tree has a vector: a history that leads contract, SDK and model to that one answer.

mod drive;
mod openings;
mod payments;
mod settings;

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result, ensure};
use bursar_sdk::{
    Refusal,
    abi::Treasury,
    model::Model,
    tree::{Answer, Leaf, Setting, Tree, Unit, leaf_of_opening, leaf_of_payment},
};

use crate::{
    steps::{Opening, Paying, Step},
    world::World,
};

/// A history, and what is asked at its end.
pub(crate) struct Vector {
    /// The leaf that it leads to.
    leaf: &'static str,
    setting: settings::Name,
    before: Vec<Step>,
    ask: Ask,
}

/// What is asked.
pub(crate) enum Ask {
    Open(Opening),
    Pay(Paying),
}

fn vectors() -> Vec<Vector> {
    let mut all = openings::vectors();
    all.extend(payments::vectors());
    all
}

/// The leaf that the model ends at has to be in the tree of the setting, with the same answer.
fn in_tree(model: &Model, now: u64, envelope: u32, purse: Address, leaf: Leaf) -> Result<Leaf> {
    let setting = Setting::of_model(model, now, envelope, purse);
    let tree = Tree::of(&setting.unwrap_or_default(), &Unit::default());
    ensure!(tree.leaf(&leaf.id) == Some(&leaf), "the tree has no {leaf:?}:\n{}", tree.to_text());
    Ok(leaf)
}

/// Where an opening ends.
pub(crate) fn of_opening(model: &Model, now: u64, call: &Treasury::openSessionCall) -> Result<Leaf> {
    let broken = model.opens(now, &call.request, &call.signature);
    let (number, index) = (call.request.envelope.to::<u32>(), call.request.purseIndex);
    let purse = model.purse_of(number, index).unwrap_or_default();
    in_tree(model, now, number, purse, leaf_of_opening(broken.map(|broken| broken.rule)))
}

/// Where a payment ends.
pub(crate) fn of_payment(model: &Model, now: u64, purse: Address, digest: B256, blob: &[u8]) -> Result<Leaf> {
    let leaf = leaf_of_payment(&model.settles(now, purse, digest, blob));
    let envelope = model.purses.get(&purse).map_or(0, |purse| purse.envelope);
    in_tree(model, now, envelope, purse, leaf)
}

#[test]
fn every_vector_leads_contract_sdk_and_model_to_its_leaf() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for vector in vectors() {
        let drive = || -> Result<()> {
            let mut world = World::new()?;
            world.play(&vector.setting.steps())?;
            world.play(&vector.before)?;
            match &vector.ask {
                Ask::Open(opening) => drive::open(&runtime, &mut world, opening, vector.leaf),
                Ask::Pay(paying) => drive::pay(&runtime, &mut world, paying, vector.leaf),
            }
        };
        drive().with_context(|| format!("{} in {:?}", vector.leaf, vector.setting))?;
    }
    Ok(())
}

#[test]
fn no_leaf_lacks_a_vector() -> Result<()> {
    let driven: BTreeSet<&str> = vectors().iter().map(|vector| vector.leaf).collect();
    assert_eq!(driven.len(), vectors().len(), "two vectors of one leaf");
    let mut drawn = BTreeSet::new();
    for setting in settings::Name::ALL {
        let tree = setting.tree()?;
        let leaves = tree.leaves();
        let names: BTreeSet<&str> = leaves.iter().map(|leaf| leaf.id.as_str()).collect();
        assert_eq!(names.len(), leaves.len(), "two leaves of one name");
        for leaf in names {
            assert!(driven.contains(leaf), "no vector leads to {leaf} in {setting:?}");
            drawn.insert(leaf.to_owned());
        }
    }
    let astray: Vec<_> = driven.iter().filter(|leaf| !drawn.contains(**leaf)).collect();
    assert!(astray.is_empty(), "vectors of leaves that no tree has: {astray:?}");
    Ok(())
}

#[test]
fn no_refusal_lacks_a_leaf() -> Result<()> {
    let mut answers = BTreeSet::new();
    for setting in settings::Name::ALL {
        for leaf in setting.tree()?.leaves() {
            if let Answer::Refused(reason) = leaf.answer {
                answers.insert(reason as u8);
            }
        }
    }
    let all: BTreeSet<u8> = Refusal::ALL.iter().map(|reason| *reason as u8).collect();
    assert_eq!(answers, all);
    Ok(())
}
