mod backchannel;
mod id_token;
mod login;
mod logout;
mod pages;
