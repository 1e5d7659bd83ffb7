"""How the compact base is made: a closed-form part and small networks, on cached frames of a frozen encoder."""
