"""How the compact base is made: a closed-form part and small networks, on an encoder that may be tuned with them."""
