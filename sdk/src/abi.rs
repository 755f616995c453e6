//! Bindings to the contracts, generated from the committed artifacts in `sdk/abi/`.
//!
//! The artifacts are written by `make bindings` and compared in CI, so building this crate needs no
//! Solidity compiler.
#![allow(missing_docs, clippy::too_many_arguments, unreachable_pub)]

use alloy::sol;

sol!(
    #[sol(rpc, all_derives)]
    Treasury,
    "abi/Treasury.json"
);
sol!(
    #[sol(rpc)]
    TreasuryDesk,
    "abi/TreasuryDesk.json"
);
sol!(
    #[sol(rpc)]
    TreasuryViews,
    "abi/TreasuryViews.json"
);
sol!(
    #[sol(rpc, all_derives)]
    TreasuryFactory,
    "abi/TreasuryFactory.json"
);
sol!(
    #[sol(all_derives)]
    Purse,
    "abi/Purse.json"
);
sol!(
    #[sol(rpc, all_derives)]
    TestUSDC,
    "abi/TestUSDC.json"
);

sol! {
    /// What Bursar needs of an asset: EIP-20 and EIP-3009 with the `bytes` overload of USDC v2.2.
    #[sol(rpc, all_derives)]
    interface Eip3009 {
        event Transfer(address indexed from, address indexed to, uint256 value);
        event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
        event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

        function balanceOf(address account) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function transfer(address to, uint256 amount) external returns (bool);
        function name() external view returns (string);
        function version() external view returns (string);
        function decimals() external view returns (uint8);
        function DOMAIN_SEPARATOR() external view returns (bytes32);
        function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
        function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature) external;
    }

    /// What Bursar needs of Permit2: which of an owner's one-time nonces are used, as bits.
    #[sol(rpc)]
    interface Permit2 {
        function nonceBitmap(address owner, uint256 wordPosition) external view returns (uint256);
    }

    /// What a payer signs to top up without gas of its own (EIP-3009); the nonce is the treasury's to work out.
    #[derive(Debug)]
    struct ReceiveWithAuthorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    /// What the session key signs, as the token defines it (EIP-3009).
    #[derive(Debug)]
    struct TransferWithAuthorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    /// What the agent's identity key signs to open a session.
    #[derive(Debug)]
    struct OpenSession {
        uint24 envelope;
        uint16 purseIndex;
        uint24 sequence;
        address key;
        uint96 budget;
        uint32 expiry;
        Scope scope;
        bytes32 stampHash;
    }

    /// What a session narrows of its envelope's policy.
    #[derive(Debug)]
    struct Scope {
        uint96 paymentCap;
        uint96 approvalThreshold;
        uint16 payeeList;
    }

    /// What the agent's identity key signs to close a session.
    #[derive(Debug)]
    struct CloseSession {
        address purse;
        uint24 sequence;
    }

    /// What an agent signs to hand in a decision record.
    #[derive(Debug)]
    struct DecisionRecord {
        bytes32 recordHash;
    }

    /// What an agent signs to hand in an outcome record.
    #[derive(Debug)]
    struct OutcomeRecord {
        bytes32 recordHash;
    }

    /// What an owner of a treasury signs to have a record erased. No contract reads it: it proves who said so.
    #[derive(Debug)]
    struct RecordErasure {
        bytes32 recordHash;
        string category;
    }

    /// What an agent signs to ask a human for the approval of one payment.
    #[derive(Debug)]
    struct ApprovalRequest {
        bytes32 digest;
    }

    /// What a human signs to reject one payment. No contract reads it: it proves who said no, and why.
    #[derive(Debug)]
    struct PaymentRejection {
        address purse;
        address payee;
        uint256 amount;
        bytes32 digest;
        string reason;
    }

    /// What a human signs to approve one payment.
    #[derive(Debug)]
    struct PaymentApproval {
        address purse;
        address payee;
        uint256 amount;
        uint256 validBefore;
        bytes32 decisionHash;
        bytes32 digest;
    }
}

impl From<&Treasury::SessionRequest> for OpenSession {
    /// What the agent signs of a request: all of it, by the same names.
    fn from(request: &Treasury::SessionRequest) -> Self {
        Self {
            envelope: request.envelope,
            purseIndex: request.purseIndex,
            sequence: request.sequence,
            key: request.key,
            budget: request.budget,
            expiry: request.expiry,
            scope: Scope {
                paymentCap: request.scope.paymentCap,
                approvalThreshold: request.scope.approvalThreshold,
                payeeList: request.scope.payeeList,
            },
            stampHash: request.stampHash,
        }
    }
}
