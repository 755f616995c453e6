//! Offers and receipts signed by an account: EIP-712, as the extension defines it (its domain is chain 1's on every
//! chain; which one is meant stands in the payload).

use alloy::{
    primitives::{Address, B256, U256, hex},
    sol,
    sol_types::{Eip712Domain, SolStruct as _, eip712_domain},
};

use super::{OfferPayload, OfferRefusal, OfferRefused, ReceiptPayload};

sol! {
    struct Offer {
        uint256 version;
        string resourceUrl;
        string scheme;
        string network;
        string asset;
        string payTo;
        string amount;
        uint256 validUntil;
    }

    struct Receipt {
        uint256 version;
        string network;
        string resourceUrl;
        string payer;
        uint256 issuedAt;
        string transaction;
    }
}

/// What can be signed by an account.
pub(super) trait Typed {
    /// What it is called where something else came.
    const EXPECTED: &'static str;

    fn digest(&self) -> B256;
}

impl Typed for OfferPayload {
    const EXPECTED: &'static str = "a signed offer";

    fn digest(&self) -> B256 {
        const DOMAIN: Eip712Domain = eip712_domain! { name: "x402 offer", version: "1", chain_id: 1, };
        let offer = Offer {
            version: U256::from(self.version),
            resourceUrl: self.resource_url.clone(),
            scheme: self.scheme.clone(),
            network: self.network.clone(),
            asset: self.asset.clone(),
            payTo: self.pay_to.clone(),
            amount: self.amount.clone(),
            validUntil: U256::from(self.valid_until),
        };
        offer.eip712_signing_hash(&DOMAIN)
    }
}

impl Typed for ReceiptPayload {
    const EXPECTED: &'static str = "a signed receipt";

    fn digest(&self) -> B256 {
        const DOMAIN: Eip712Domain = eip712_domain! { name: "x402 receipt", version: "1", chain_id: 1, };
        let receipt = Receipt {
            version: U256::from(self.version),
            network: self.network.clone(),
            resourceUrl: self.resource_url.clone(),
            payer: self.payer.clone(),
            issuedAt: U256::from(self.issued_at),
            transaction: self.transaction.clone(),
        };
        receipt.eip712_signing_hash(&DOMAIN)
    }
}

/// Who signed.
pub(super) fn signer<T: Typed>(payload: &T, signature: &str) -> Result<Address, OfferRefused> {
    let forged = |got: &str| OfferRefused::new(OfferRefusal::Forged, "a signature of 65 bytes", got);
    let bytes = hex::decode(signature).map_err(|_| forged("no hexadecimal"))?;
    if bytes.len() != 65 {
        return Err(forged(&format!("{} bytes", bytes.len())));
    }
    let signature = alloy::primitives::Signature::from_raw(&bytes).map_err(|_| forged("no signature"))?;
    signature.recover_address_from_prehash(&payload.digest()).map_err(|_| forged("nobody's"))
}
