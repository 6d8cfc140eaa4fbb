"""Forward and backward passes without autograd, shared by the proxies."""
